package weights_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/weights"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeTemp(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// copyFolder returns a writable copy of a folder.
func copyFolder(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// wantDataError checks that err is a data error of one line that starts with the path and has the
// given parts.
func wantDataError(t *testing.T, err error, path string, parts ...string) {
	t.Helper()
	if !errors.Is(err, oaif.ErrData) {
		t.Fatalf("got %v, want a data error", err)
	}
	if !strings.HasPrefix(err.Error(), path) {
		t.Errorf("the line does not start with %s: %v", path, err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q is not in: %v", p, err)
		}
	}
}

// readAll opens a model and converts all tensors; it returns the first error.
func readAll(t *testing.T, path string) error {
	t.Helper()
	m, err := weights.Open(path)
	if err != nil {
		return err
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range m.Tensors() {
		tensor, err := m.Tensor(name)
		if err != nil {
			return err
		}
		if err := tensor.Float32(make([]float32, tensor.Len())); err != nil {
			return err
		}
	}
	return nil
}
