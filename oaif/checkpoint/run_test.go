package checkpoint_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
)

// TestMain lets the test binary play the second process of a test.
func TestMain(m *testing.M) {
	switch os.Getenv("CHECKPOINT_TEST_ROLE") {
	case "hold":
		holdFolder()
	case "full":
		fillUp()
	default:
		os.Exit(m.Run())
	}
}

// holdFolder opens the run folder, says so, and keeps it until stdin ends.
func holdFolder() {
	run, err := checkpoint.OpenRun(os.Getenv("CHECKPOINT_TEST_DIR"), checkpoint.Options{})
	if err != nil {
		fmt.Println("refused:", err)
		return
	}
	fmt.Println("held")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // the end of stdin is what is waited for
	if err := run.Close(); err != nil {
		fmt.Println("close:", err)
	}
}

func role(t *testing.T, name, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "CHECKPOINT_TEST_ROLE="+name, "CHECKPOINT_TEST_DIR="+dir)
	return cmd
}

func open(t *testing.T, dir string, resume bool) *checkpoint.Run {
	t.Helper()
	run, err := checkpoint.OpenRun(dir, checkpoint.Options{Resume: resume})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	return run
}

// wantData fails unless err is one line of bad data that holds all of parts.
func wantData(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, oaif.ErrData) {
		t.Fatalf("error %v is no ErrData", err)
	}
	for _, part := range append(parts, "") {
		if msg := err.Error(); !strings.Contains(msg, part) || strings.Contains(msg, "\n") {
			t.Fatalf("error %q: want one line with %q", msg, part)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd := role(t, "hold", dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("the first process said %q, %v", line, err)
	}
	for _, resume := range []bool{false, true} {
		_, err := checkpoint.OpenRun(dir, checkpoint.Options{Resume: resume})
		wantData(t, err, dir, "another process", "--out")
	}
	if err := cmd.Process.Kill(); err != nil { // a killed process holds nothing
		t.Fatal(err)
	}
	_ = cmd.Wait() // reports the kill
	_ = stdin.Close()
	open(t, dir, true)
}

func TestSecondOpenInOneProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, false)
	_, err := checkpoint.OpenRun(dir, checkpoint.Options{})
	wantData(t, err, "another process")
}

func TestNewRunRefusesAFolderWithARun(t *testing.T) {
	for _, name := range []string{"config.toml", "metrics.jsonl", "summary.json",
		"checkpoints/step-5/manifest.json", "eval/step-0.jsonl", "model/config.json"} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := checkpoint.WriteFile(filepath.Join(dir, name), []byte("{}\n")); err != nil {
			t.Fatal(err)
		}
		_, err := checkpoint.OpenRun(dir, checkpoint.Options{})
		first, _, _ := strings.Cut(name, "/")
		wantData(t, err, dir, first, "--resume", "--out")
		open(t, dir, true)
	}
}

func TestFailedStartDoesNotBlockTheFolder(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir, false).WriteFile("notes.txt", []byte("mine")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"metrics.jsonl", "verdicts.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "checkpoints", "step-1.tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	open(t, other, false)
}

func TestResumeNeedsARun(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "typo")
	for _, dir := range []string{missing, t.TempDir()} {
		_, err := checkpoint.OpenRun(dir, checkpoint.Options{Resume: true})
		wantData(t, err, dir, "no run to resume", "without --resume")
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a refused resume made the folder")
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{path, filepath.Join(path, "below")} {
		_, err := checkpoint.OpenRun(dir, checkpoint.Options{})
		wantData(t, err, path)
	}
}

func TestOpenRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	leftovers := []string{"summary.json.tmp", "eval/step-5.jsonl.tmp",
		"checkpoints/step-2.tmp/weights.bin", "checkpoints/step-1.gone.tmp/manifest.json"}
	for _, name := range append(leftovers, "config.toml") {
		if err := checkpoint.WriteFile(filepath.Join(dir, name), []byte("half")); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir, true)
	for _, name := range leftovers {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "config.toml")); err != nil {
		t.Error(err)
	}
}

func TestLogsAppendAndCutTornLines(t *testing.T) {
	long := strings.Repeat("x", 200_000) // longer than the block in which the end is looked for
	for _, test := range []struct{ before, after string }{
		{"", "new\n"},
		{"one\n", "one\nnew\n"},
		{"one\ntw", "one\nnew\n"},
		{"tor", "new\n"},
		{"one\n" + long, "one\nnew\n"},
		{long + "\nto", long + "\nnew\n"},
	} {
		dir := t.TempDir()
		for _, name := range []string{checkpoint.Metrics, checkpoint.Pairs, checkpoint.System} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(test.before), 0o666); err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(dir, "config.toml")
			if err := os.WriteFile(config, []byte("#"), 0o666); err != nil {
				t.Fatal(err)
			}
			run, err := checkpoint.OpenRun(dir, checkpoint.Options{Resume: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := run.Append(name, []byte("new")); err != nil {
				t.Fatal(err)
			}
			if got := run.Offsets()[name]; got != int64(len(test.after)) {
				t.Errorf("%s: offset %d, want %d", name, got, len(test.after))
			}
			if err := errors.Join(run.Sync(), run.Close()); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); string(got) != test.after {
				t.Errorf("%s after %.20q: %.40q", name, test.before, got)
			}
		}
	}
}

func TestConcurrentAppendsStayWhole(t *testing.T) {
	run := open(t, t.TempDir(), false)
	var group sync.WaitGroup
	line := strings.Repeat("x", 999)
	for range 8 {
		group.Go(func() {
			for range 25 {
				if err := run.Append(checkpoint.Pairs, []byte(line)); err != nil {
					t.Error(err)
				}
			}
			if err := run.Sync(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := os.ReadFile(run.Path(checkpoint.Pairs))
	if err != nil || string(got) != strings.Repeat(line+"\n", 200) {
		t.Errorf("%d bytes were written, %v", len(got), err)
	}
	if size := run.Offsets()[checkpoint.Pairs]; size != int64(len(got)) {
		t.Errorf("the offset is %d of %d", size, len(got))
	}
}

func TestAppendRefusesMistakes(t *testing.T) {
	run := open(t, t.TempDir(), false)
	if err := run.Append("other.jsonl", []byte("{}")); err == nil {
		t.Error("an unknown log was written")
	}
	if err := run.Append(checkpoint.Metrics, []byte("a\nb")); err == nil {
		t.Error("two lines were written as one")
	}
	if size := run.Offsets()[checkpoint.Metrics]; size != 0 {
		t.Errorf("%d bytes were written", size)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	run := open(t, t.TempDir(), false)
	for _, content := range []string{"first, long", "second", ""} {
		if err := run.WriteFile("eval/step-1.jsonl", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(run.Path("eval/step-1.jsonl")); string(got) != content {
			t.Errorf("read %q, %v, want %q", got, err, content)
		}
	}
	if entries, _ := os.ReadDir(run.Path("eval")); len(entries) != 1 {
		t.Errorf("eval holds %v", entries)
	}
}
