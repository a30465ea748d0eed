package checkpoint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/checkpoint"
)

// TestBegun: a folder from which a process was killed before it wrote anything is no run yet, and
// none that anyone else put something in is one.
func TestBegun(t *testing.T) {
	for _, c := range []struct {
		files string // those that are not empty end in "+"
		want  bool
	}{
		{"", false},
		{"run.lock", false},
		{"run.lock config.toml.tmp+", false},
		{"run.lock verdicts.jsonl metrics.jsonl", false},
		{"run.lock config.toml+", true},
		{"notes.txt+ metrics.jsonl+", true},
	} {
		dir := t.TempDir()
		fillFolder(t, dir, c.files)
		if got, err := checkpoint.Begun(dir); got != c.want || err != nil {
			t.Errorf("%q: %v, %v", c.files, got, err)
		}
		open(t, dir, c.want) // what Begun says is how it can be opened
	}
	if got, err := checkpoint.Begun(filepath.Join(t.TempDir(), "none")); got || err != nil {
		t.Errorf("no folder: %v, %v", got, err)
	}
	for _, files := range []string{
		"notes.txt", "run.lock notes.txt.tmp+", "run.lock metrics.jsonl x",
	} {
		dir := t.TempDir()
		fillFolder(t, dir, files)
		_, err := checkpoint.Begun(dir)
		wantData(t, err, dir, "holds no run to resume; start it without --resume")
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := checkpoint.Begun(path)
	wantData(t, err, path, "not a directory")
}

// fillFolder makes files, of some bytes where a name ends in "+".
func fillFolder(t *testing.T, dir, files string) {
	t.Helper()
	for _, name := range strings.Fields(files) {
		name, full := strings.CutSuffix(name, "+")
		var text []byte
		if full {
			text = []byte("x\n")
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
