package tokenizer_test

import (
	"os"
	"testing"

	"github.com/oaif/oaif/oaif/tokenizer"
	"github.com/oaif/oaif/oaif/weights"
)

// metadata is GGUF metadata made up for a test.
type metadata map[string]any

func (m metadata) String(k string) (string, bool)    { v, ok := m[k].(string); return v, ok }
func (m metadata) Strings(k string) ([]string, bool) { v, ok := m[k].([]string); return v, ok }
func (m metadata) Ints(k string) ([]int64, bool)     { v, ok := m[k].([]int64); return v, ok }
func (m metadata) Floats(k string) ([]float64, bool) {
	v, ok := m[k].([]float64)
	return v, ok
}
func (m metadata) Int(k string) (int64, bool) { v, ok := m[k].(int64); return v, ok }
func (m metadata) Bool(k string) (bool, bool) { v, ok := m[k].(bool); return v, ok }

// smolTokenizer makes the tokenizer of the demo's model, or skips the test.
func smolTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	const path = "../../third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"
	if _, err := os.Stat(path); os.IsNotExist(err) {
		t.Skipf("%s is not there; make model fetches it", path)
	}
	m, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return fromGGUF(t, m.Metadata())
}
