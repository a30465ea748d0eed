package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/remote/remotetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"oaif": main})
}

// TestScripts runs the scripts of testdata against the whole program. Each finds the tiny model of
// package modeltest in model/, a tiny.gguf without a tokenizer, a remotetest.Oracle at $ENDPOINT,
// and its own files.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			if err := copyFile("../../oaif/weights/testdata/tiny.gguf",
				filepath.Join(env.WorkDir, "tiny.gguf")); err != nil {
				return err
			}
			// Else every command would start twice, see environment.go.
			for _, v := range environment {
				env.Setenv(v.name, v.value)
			}
			endpoint := httptest.NewServer(remotetest.Oracle)
			env.Defer(endpoint.Close)
			env.Setenv("ENDPOINT", endpoint.URL)
			reward, err := filepath.Abs("../../oaif/lm/testdata/reward/qwen2")
			if err != nil {
				return err
			}
			env.Setenv("REWARD", reward)
			return modeltest.Write(filepath.Join(env.WorkDir, "model"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails":    fails,
			"truncate": truncate,
		},
	})
}

// fails STATUS ARGS... wants oaif to end with that status after exactly one line on standard error
// and none on standard output.
func fails(ts *testscript.TestScript, _ bool, args []string) {
	var exit *exec.ExitError
	err := ts.Exec("oaif", args[1:]...)
	if !errors.As(err, &exit) {
		ts.Fatalf("oaif %s: ended with %v, want status %s", strings.Join(args[1:], " "),
			err, args[0])
	}
	if got := strconv.Itoa(exit.ExitCode()); got != args[0] {
		ts.Fatalf("status %s, want %s", got, args[0])
	}
	if line := ts.ReadFile("stderr"); strings.Count(line, "\n") != 1 ||
		!strings.HasSuffix(line, "\n") {
		ts.Fatalf("want one line on standard error, got %q", line)
	}
	// A training run says what it is doing until it fails.
	if out := ts.ReadFile("stdout"); out != "" && args[1] != "train" {
		ts.Fatalf("want nothing on standard output, got %q", out)
	}
}

// truncate FILE BYTES cuts a file.
func truncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o666)
}
