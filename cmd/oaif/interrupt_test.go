package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/model/modeltest"
)

// TestInterrupt: a run that is asked to stop ends with the shell's status for it and one line that
// says how to go on; resumed, it ends.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := modeltest.Write(filepath.Join(dir, "model")); err != nil {
		t.Fatal(err)
	}
	prompts := write("prompts.jsonl", `{"prompt": "a"}`)
	judge := write("judge.toml",
		"kind = 'pointwise'\nprompt = '{response}'\npositive = 'a'\nnegative = 'b'\n")
	config := write("run.toml", fmt.Sprintf(`
model = {path = %q, device = "cpu", dtype = "float32"}
data = {train = %q, heldout = %q}
annotator = {file = %q}
sampler = {max_new_tokens = 3}
train = {steps = 1, prompts_per_step = 1}
run = {out = %q}
`, filepath.Join(dir, "model"), prompts, prompts, judge, filepath.Join(dir, "run")))

	stopped, stop := context.WithCancel(context.Background())
	stop()
	var errs bytes.Buffer
	app := newApp(nil, &bytes.Buffer{}, &bytes.Buffer{})
	err := app.RunContext(stopped, flagsFirst(app, []string{"oaif", "train", config}))
	if status := exitStatus(&errs, err); status != statusInterrupted {
		t.Errorf("status %d, want %d", status, statusInterrupted)
	}
	want := "oaif: stopped after step 0 of 1; " +
		"--resume starts at step 1 again: there is no checkpoint yet\n"
	if line := errs.String(); line != want {
		t.Errorf("stderr %q, want %q", line, want)
	}
	status, stdout, stderr := run("train", config, "--resume")
	if status != 0 || !strings.Contains(stdout, "report.html") {
		t.Errorf("resumed: status %d, %q, %q", status, stdout, stderr)
	}
}
