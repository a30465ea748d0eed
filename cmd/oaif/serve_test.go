package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/model/modeltest"
)

// TestServe: the command says where it listens, wants the token of the environment, and ends with
// status 0 when it is interrupted.
func TestServe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model")
	if err := modeltest.Write(path); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OAIF_TEST_TOKEN", "a planted secret")
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	read, write := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		app := newApp(nil, write, &errs)
		defer func() { _ = write.Close() }() // it never fails
		ended <- exitStatus(&errs, app.RunContext(ctx, []string{"oaif", "serve", "--model", path,
			"--listen", "127.0.0.1:0", "--device", "cpu", "--dtype", "float32",
			"--token-env", "OAIF_TEST_TOKEN"}))
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	at := regexp.MustCompile(`^model at (http://127\.0\.0\.1:\d+/v1)\n$`).FindStringSubmatch(line)
	if at == nil {
		t.Fatalf("the command said %q", line)
	}
	for token, want := range map[string]int{"a planted secret": 200, "another": 401} {
		if status, body := ask(t, at[1], token); status != want {
			t.Errorf("with token %q: status %d, %s", token, status, body)
		}
	}
	interrupt()
	if status := <-ended; status != 0 || errs.Len() > 0 {
		t.Errorf("status %d, %s", status, errs.String())
	}
}

// ask asks the server at base for a completion.
func ask(t *testing.T, base, token string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, base+"/completions",
		strings.NewReader(`{"prompt": "a", "model": "model"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}
