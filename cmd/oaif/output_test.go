package main

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// TestOutputAppearsWhole: up to commit the place holds what it held before, and nothing is left
// behind when the work fails.
func TestOutputAppearsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	if err := os.WriteFile(path, []byte("old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	content := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	out, err := createOutput(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	long := string(bytes.Repeat([]byte("<x>"), flushAt)) // past the buffer
	for _, record := range []any{long, "&"} {
		if err := out.write(record); err != nil {
			t.Fatal(err)
		}
	}
	if content() != "old\n" {
		t.Error("the file changed before it was finished")
	}
	if err := out.commit(); err != nil {
		t.Fatal(err)
	}
	if want := `"` + long + "\"\n\"&\"\n"; content() != want {
		t.Errorf("%d bytes, want %d", len(content()), len(want))
	}

	out, err = createOutput(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.write(math.NaN()); !errors.Is(err, oaif.ErrData) {
		t.Errorf("writing NaN gave %v", err)
	}
	out.discard()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestStreamWaits: a stream gets its lines when all are there, or none.
func TestStreamWaits(t *testing.T) {
	var stream bytes.Buffer
	out, err := createOutput("-", &stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.write("a"); err != nil {
		t.Fatal(err)
	}
	if stream.Len() > 0 {
		t.Error("written before commit")
	}
	if err := out.commit(); err != nil || stream.String() != "\"a\"\n" {
		t.Errorf("%q, %v", stream.String(), err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestStreamErrors(t *testing.T) {
	out, err := createOutput("-", failing{})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.write("a"); err != nil {
		t.Fatal(err)
	}
	if err := out.commit(); err == nil || err.Error() != "stdout: cannot write: gone" {
		t.Errorf("got %v", err)
	}
}
