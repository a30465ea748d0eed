package tokenizer_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tokenizer"
)

var update = flag.Bool("update", false,
	"write testdata/gguf_*/tokenizer.json anew, which testdata/golden.py asks for")

// smallGGUF is the metadata that a GGUF with the vocabulary of testdata/llama3 would have.
func smallGGUF(t testing.TB, pre string) metadata {
	t.Helper()
	var f struct {
		Model struct {
			Vocab  map[string]int
			Merges [][2]string
		}
	}
	if err := json.Unmarshal(readFile(t, "testdata/llama3/tokenizer.json"), &f); err != nil {
		t.Fatal(err)
	}
	n := len(f.Model.Vocab)
	tokens, types := make([]string, n), slices.Repeat([]int64{1}, n)
	for content, id := range f.Model.Vocab {
		tokens[id] = content
	}
	tokens = append(tokens, "<|begin|>", "<|end|>", "<tool>", "[PAD]")
	types = append(types, 3, 3, 4, 5)
	var merges []string
	for _, m := range f.Model.Merges {
		merges = append(merges, m[0]+" "+m[1])
	}
	return metadata{
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": tokens,
		"tokenizer.ggml.token_type": types, "tokenizer.ggml.merges": merges,
		"tokenizer.ggml.bos_token_id": int64(n), "tokenizer.ggml.eos_token_id": int64(n + 1),
	}
}

// What is written for a GGUF is a fixed file; the reference library reads that very file in
// testdata/golden.py, and its answers are those of the tokenizer made from the GGUF.
func TestGGUFIsWrittenAsTheReferenceReadsIt(t *testing.T) {
	for _, pre := range []string{"gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "tekken"} {
		t.Run(pre, func(t *testing.T) {
			md := smallGGUF(t, pre)
			if pre == "qwen2" {
				md["tokenizer.ggml.add_bos_token"], md["tokenizer.ggml.add_eos_token"] = true, true
			}
			tok := fromGGUF(t, md)
			dir := filepath.Join("testdata", "gguf_"+pre)
			path := filepath.Join(t.TempDir(), "tokenizer.json")
			if *update {
				path = filepath.Join(dir, "tokenizer.json")
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := tok.WriteJSON(path); err != nil {
				t.Fatal(err)
			}
			if *update {
				return
			}
			got := readFile(t, filepath.Join(dir, "tokenizer.json"))
			if string(got) != string(readFile(t, path)) {
				t.Error("the written file has changed; run testdata/golden.py")
			}
			check(t, tok, readGolden(t, filepath.Join(dir, "golden.jsonl")))
		})
	}
}

func fromGGUF(t testing.TB, md tokenizer.Metadata) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.FromGGUF(md)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestGGUFTokenTypes(t *testing.T) {
	tok := fromGGUF(t, smallGGUF(t, "smollm"))
	n := int32(tok.VocabSize())
	for i, want := range []struct {
		content string
		special bool
		found   bool // as one token in a text
	}{
		{"<|begin|>", true, true}, {"<|end|>", true, true}, {"<tool>", false, true},
		{"[PAD]", false, false},
	} {
		id := n - 4 + int32(i)
		if got, ok := tok.TokenID(want.content); !ok || got != id || tok.Token(id) != want.content {
			t.Errorf("%q is %d (%v), want %d", want.content, got, ok, id)
		}
		found := slices.Equal(tok.Encode(want.content), []int32{id})
		if tok.IsSpecial(id) != want.special || found != want.found {
			t.Errorf("%q: special %v, found %v", want.content, tok.IsSpecial(id), found)
		}
	}
	bos, ok1 := tok.BOS()
	eos, ok2 := tok.EOS()
	if !ok1 || !ok2 || bos != n-4 || eos != n-3 {
		t.Errorf("begin %d, end %d", bos, eos)
	}
}

func TestGGUFWithoutBeginAndEnd(t *testing.T) {
	md := smallGGUF(t, "smollm")
	delete(md, "tokenizer.ggml.bos_token_id")
	delete(md, "tokenizer.ggml.eos_token_id")
	tok := fromGGUF(t, md)
	_, bos := tok.BOS()
	_, eos := tok.EOS()
	if bos || eos {
		t.Error("a begin or end token out of nowhere")
	}
}

func TestBadGGUFIsRefusedByKey(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any // nil: the key is missing
		want  string
	}{
		{"tokenizer.ggml.model", "bert", `"bert"`},
		{"tokenizer.ggml.model", "llama", "tokenizer.ggml.scores has 0"},
		{"tokenizer.ggml.model", nil, "tokenizer.ggml.model"},
		{"tokenizer.ggml.pre", "viking", `"viking"`},
		{"tokenizer.ggml.pre", nil, "tokenizer.ggml.pre"},
		{"tokenizer.ggml.tokens", nil, "tokenizer.ggml.tokens"},
		{"tokenizer.ggml.tokens", []string{"a", "b", "a"}, `"a"`},
		{"tokenizer.ggml.tokens", []string{}, "token_type"},
		{"tokenizer.ggml.token_type", nil, "tokenizer.ggml.token_type"},
		{"tokenizer.ggml.token_type", []int64{1, 1}, "has 2 entries"},
		{"tokenizer.ggml.merges", nil, "tokenizer.ggml.merges"},
		{"tokenizer.ggml.merges", []string{"ab"}, `"ab"`},
		{"tokenizer.ggml.merges", []string{"a zzz"}, `"zzz"`},
		{"tokenizer.ggml.bos_token_id", int64(1 << 40), "bos_token_id"},
		{"tokenizer.ggml.bos_token_id", int64(99999), "bos_token_id"},
		{"tokenizer.ggml.bos_token_id", nil, "bos_token_id"},
		{"tokenizer.ggml.eos_token_id", int64(99999), "99999"},
	} {
		md := maps.Clone(smallGGUF(t, "llama-bpe"))
		md[c.key] = c.value
		_, err := tokenizer.FromGGUF(md)
		name := fmt.Sprintf("%s = %.20v", c.key, c.value)
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
