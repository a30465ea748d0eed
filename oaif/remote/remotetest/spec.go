package remotetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/annotator"
)

// Spec loads an annotator whose file holds text.
func Spec(t testing.TB, text string) *annotator.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "judge.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	spec, err := annotator.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
