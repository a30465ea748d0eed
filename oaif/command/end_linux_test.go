package command_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/command"
)

// within waits for something that has to become true, for a minute at most.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("in vain: ", what)
}

// state returns the letter that the kernel has for the process whose number is in a file: "" for
// one that is gone and was waited for, "Z" for a zombie.
func state(t *testing.T, file string) string {
	t.Helper()
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

// written reports whether a number is in the file.
func written(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

// TestCrash: two processes are tried; then the error has the status and the last words, escaped.
func TestCrash(t *testing.T) {
	_, err := open(t, "").Annotate(context.Background(),
		questions(`{"id":ID,"verdict":"a"}`, "!exit:", "!exit:"))
	var e *command.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	// The second process was asked the two that were open, and replied to none.
	const want = ` ended (exit status 3) with 2 questions open; ` +
		`its standard error ends: "first\nlast \x1b[31mwords"`
	if !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestCrashOnce: what was not replied to is asked again, and what was is not.
func TestCrashOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crashed")
	a := open(t, "")
	got, err := a.Annotate(context.Background(),
		questions(`{"id":1,"verdict":"a"}`, "!once:"+file, `{"id":2,"verdict":"a"}`))
	// Ids: 1, 2, 3 in the first process; in the second 1 and 2, for the questions that were open.
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []oaif.Verdict{"a", "b", "a"} {
		if got[i].Verdict != want {
			t.Errorf("verdict %d is %+v, want %s", i, got[i], want)
		}
	}
}

// TestChildOfACrash: a child that holds the program's output neither delays the error nor stays.
func TestChildOfACrash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	_, err := open(t, "timeout = \"10m\"").Annotate(context.Background(), questions("!fork:"+file))
	if err == nil || !strings.Contains(err.Error(), "ended (exit status 5)") {
		t.Errorf("got %v", err)
	}
	within(t, "the child ends", func() bool {
		s := state(t, file)
		return s == "" || s == "Z" // whoever inherits it waits for it
	})
}

func TestHang(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	_, err := open(t, "timeout = \"2s\"").Annotate(context.Background(),
		questions("!hang:"+file, "x"))
	if err == nil || !strings.Contains(err.Error(), "has not replied for 2s, with 2 questions") {
		t.Errorf("got %v", err)
	}
	if s := state(t, file); s != "" {
		t.Errorf("the program is still there, in state %s", s)
	}
}

// TestSilence: a program that closes its input or output is an error long before the timeout.
func TestSilence(t *testing.T) {
	long := strings.Repeat("x", 1<<20) // more than a pipe takes
	for order, want := range map[string]string{
		"!deaf:": "does not read its input", "!mute:": "closed its output and went on",
	} {
		_, err := open(t, "timeout = \"10m\"").Annotate(context.Background(),
			questions(order, long))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s got %v, want %s", order, err, want)
		}
	}
}

// TestCancel: the program is killed with the call, and a later call starts another.
func TestCancel(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	a := open(t, "timeout = \"10m\"")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for !written(file) {
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := a.Annotate(ctx, questions("!hang:"+file)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if s := state(t, file); s != "" {
		t.Errorf("the program is still there, in state %s", s)
	}
	got, err := a.Annotate(context.Background(), questions(`{"id":ID,"verdict":"a"}`))
	if err != nil || got[0].Verdict != oaif.VerdictA {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseWhileAsked: the call ends, and so does the program, which is waited for.
func TestCloseWhileAsked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	a := open(t, "timeout = \"10m\"")
	failed := make(chan error, 1)
	go func() {
		_, err := a.Annotate(context.Background(), questions("!hang:"+file))
		failed <- err
	}()
	within(t, "the program is asked", func() bool { return written(file) })
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Error(err)
	}
	if err := <-failed; err == nil {
		t.Error("the call gave verdicts")
	}
	if s := state(t, file); s != "" {
		t.Errorf("the program is still there, in state %s", s)
	}
}
