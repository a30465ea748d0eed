package command_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain runs the tests or, started again by one of them, the program that they ask.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "judge":
			os.Exit(judge())
		case "sleep":
			time.Sleep(time.Hour)
		}
	}
	os.Exit(m.Run())
}

// judge does what answer a of each question says: "!..." is an order, anything else is written,
// with the question's id for ID.
func judge() int {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var q struct {
			ID           int64
			A, B, Prompt string
			Fields       map[string]string
		}
		if err := json.Unmarshal(in.Bytes(), &q); err != nil || q.Fields["prompt"] != q.Prompt {
			fmt.Fprintln(os.Stderr, "a broken question:", err)
			return 2
		}
		text := q.A
		if order, arg, ok := strings.Cut(q.A, ":"); ok && strings.HasPrefix(order, "!") {
			var status int
			if text, status = obey(order, arg, q.B); status >= 0 {
				return status
			}
		}
		if text != "" {
			fmt.Println(strings.ReplaceAll(text, "ID", fmt.Sprint(q.ID)))
		}
	}
	fmt.Fprintln(os.Stderr, "the end of its input")
	return 0
}

// obey returns what is to be written, and a status with which to end, or -1.
func obey(order, arg, b string) (text string, status int) {
	switch order {
	case "!exit":
		fmt.Fprint(os.Stderr, "first\nlast \x1b[31mwords\n")
		return "", 3
	case "!once": // crashes if it has not done so before
		if _, err := os.Stat(arg); err == nil {
			return `{"id":ID,"verdict":"b"}`, -1
		}
		must(os.WriteFile(arg, nil, 0o600))
		return "", 4
	case "!fork": // leaves a child behind that has its output, and ends
		exe, err := os.Executable()
		must(err)
		child := exec.Command(exe, "sleep")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		must(child.Start())
		must(os.WriteFile(arg, fmt.Append(nil, child.Process.Pid), 0o600))
		return "", 5
	case "!hang":
		must(os.WriteFile(arg, fmt.Append(nil, os.Getpid()), 0o600))
		time.Sleep(time.Hour)
	case "!deaf": // closes its input and goes on
		must(os.Stdin.Close())
		time.Sleep(time.Hour)
	case "!mute":
		must(os.Stdout.Close())
		time.Sleep(time.Hour)
	case "!noise":
		fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 1<<18))
		return `{"id":ID,"p_a":1}`, -1
	case "!env":
		return fmt.Sprintf(`{"id":ID,"invalid":%q}`, os.Getenv(arg)), -1
	case "!long":
		return fmt.Sprintf(`{"id":ID,"invalid":%q}`, b), -1
	case "!length":
		return fmt.Sprintf(`{"id":ID,"score_a":%d,"score_b":%d}`, len(arg), len(b)), -1
	}
	return "", -1
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
