package annotator_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oaif/oaif/oaif/annotator"
)

// fakeLM answers by a function of the LM prompt and records every prompt. Its chat template is
// [system|user].
type fakeLM struct {
	mu     sync.Mutex
	answer func(text string) []float64
	texts  []string
	calls  int
	cands  []string
	err    error
}

func (f *fakeLM) NextLogprobs(_ context.Context, texts, candidates []string) ([][]float64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.cands = candidates
	f.texts = append(f.texts, texts...)
	var rows [][]float64
	for _, text := range texts {
		rows = append(rows, f.answer(text))
	}
	return rows, f.err
}

func (f *fakeLM) Digest() string { return "fake" }

// Plain takes the ends of its chat template's turns apart.
func (f *fakeLM) Plain(text string) string { return strings.ReplaceAll(text, "]", "] ") }

func (f *fakeLM) ChatPrompt(system, user string) (string, error) {
	return "[" + system + "|" + user + "]", nil
}

// writeFile writes text to a new file called name and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads a Spec that must be good.
func load(t *testing.T, text string) *annotator.Spec {
	t.Helper()
	spec, err := annotator.Load(writeFile(t, "judge.toml", text))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
