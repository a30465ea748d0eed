package weights_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/oaif/oaif/oaif/weights"
)

// TestFileThatShrinksUnderTheMapping: the pages that are gone give an error, not a crash.
func TestFileThatShrinksUnderTheMapping(t *testing.T) {
	path := writeTemp(t, "m.gguf", readFile(t, "testdata/tiny.gguf"))
	m := open(t, path)
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	tensor, err := m.Tensor("model.layers.1.mlp.down_proj.weight")
	if err != nil {
		t.Fatal(err)
	}
	wantDataError(t, tensor.Float32(make([]float32, tensor.Len())), path, "truncated")
}

func TestPathsThatAreNoModel(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.gguf")
	_, err := weights.Open(missing)
	wantDataError(t, err, missing, "no such file")
	empty := writeTemp(t, "empty.gguf", nil)
	_, err = weights.Open(empty)
	wantDataError(t, err, empty, "is empty")
	_, err = weights.Open("/dev/null")
	wantDataError(t, err, "/dev/null", "not a regular file")
}

func TestTensorMisuse(t *testing.T) {
	m, err := weights.Open("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Tensor("model.nothing")
	wantDataError(t, err, "testdata/tiny.gguf", "model.nothing", "missing")
	tensor, err := m.Tensor("model.norm.weight")
	if err != nil {
		t.Fatal(err)
	}
	if err := tensor.Float32(make([]float32, 3)); err == nil {
		t.Error("a buffer of the wrong size was accepted")
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := tensor.Float32(make([]float32, tensor.Len())); err == nil {
		t.Error("a tensor of a closed model was read")
	}
	if err := (weights.Tensor{}).Float32([]float32{0}); err == nil {
		t.Error("a tensor of no model was read")
	}
	if _, ok := m.Metadata().String("general.architecture"); !ok {
		t.Error("metadata did not outlive Close")
	}
}

// TestConcurrentReads is for the race detector: conversions beside each other, and Close among
// them.
func TestConcurrentReads(t *testing.T) {
	m, err := weights.Open("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	want := floats(t, m, "model.layers.0.self_attn.q_proj.weight")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			tensor, err := m.Tensor("model.layers.0.self_attn.q_proj.weight")
			if err != nil {
				t.Error(err)
				return
			}
			got := make([]float32, tensor.Len())
			if tensor.Float32(got) == nil && got[100] != want[100] {
				t.Errorf("%v, want %v", got[100], want[100])
			}
		})
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
}
