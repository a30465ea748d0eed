package tokenizer_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/tokenizer"
)

// metadata is a GGUF file's key-value section, read by the shortest reader that does it.
type metadata map[string]any

func (m metadata) String(k string) (string, bool)    { v, ok := m[k].(string); return v, ok }
func (m metadata) Strings(k string) ([]string, bool) { v, ok := m[k].([]string); return v, ok }
func (m metadata) Ints(k string) ([]int64, bool)     { v, ok := m[k].([]int64); return v, ok }
func (m metadata) Int(k string) (int64, bool)        { v, ok := m[k].(int64); return v, ok }
func (m metadata) Bool(k string) (bool, bool)        { v, ok := m[k].(bool); return v, ok }

// smolLM2 returns the metadata of the demo's model, or skips the test.
func smolLM2(t testing.TB) metadata {
	t.Helper()
	path := filepath.Join("..", "..", "third_party", "models", "SmolLM2-135M-Instruct.Q4_1.gguf")
	if p := os.Getenv("OAIF_TEST_GGUF"); p != "" {
		path = p
	}
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		t.Skipf("%s is not there; make model fetches it", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	return readMetadata(t, bufio.NewReaderSize(f, 1<<20))
}

func readMetadata(t testing.TB, r io.Reader) metadata {
	var head struct {
		Magic   [4]byte
		Version uint32
		Tensors uint64
		Keys    uint64
	}
	read(t, r, &head)
	m := metadata{}
	for range head.Keys {
		key := readString(t, r)
		var kind uint32
		read(t, r, &kind)
		m[key] = readValue(t, r, kind)
	}
	return m
}

func readValue(t testing.TB, r io.Reader, kind uint32) any {
	var u32 uint32
	switch kind {
	case 4, 5, 6: // uint32, int32, float32 (not asked for)
		read(t, r, &u32)
		return int64(int32(u32))
	case 7:
		var b byte
		read(t, r, &b)
		return b != 0
	case 8:
		return readString(t, r)
	case 9:
		return readArray(t, r)
	}
	t.Fatalf("metadata type %d", kind)
	return nil
}

func readArray(t testing.TB, r io.Reader) any {
	var head struct {
		Kind uint32
		N    uint64
	}
	read(t, r, &head)
	var texts []string
	var ints []int64
	for range head.N {
		switch v := readValue(t, r, head.Kind).(type) {
		case string:
			texts = append(texts, v)
		case int64:
			ints = append(ints, v)
		}
	}
	if texts != nil {
		return texts
	}
	return ints
}

func readString(t testing.TB, r io.Reader) string {
	var n uint64
	read(t, r, &n)
	b := make([]byte, n)
	read(t, r, b)
	return string(b)
}

func read(t testing.TB, r io.Reader, v any) {
	if err := binary.Read(r, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
}

func smolTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.FromGGUF(smolLM2(t))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}
