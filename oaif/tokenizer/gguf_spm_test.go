package tokenizer_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tokenizer"
)

// spmMetadata is what a GGUF with the model of testdata/spm/name would have.
func spmMetadata(t *testing.T, name string) metadata {
	t.Helper()
	var m struct {
		Tokens []string
		Scores []float64
		Types  []int64
		Prefix bool
	}
	path := filepath.Join("testdata", "spm", name, "metadata.json")
	if err := json.Unmarshal(readFile(t, path), &m); err != nil {
		t.Fatal(err)
	}
	return metadata{
		"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": m.Tokens,
		"tokenizer.ggml.scores": m.Scores, "tokenizer.ggml.token_type": m.Types,
		"tokenizer.ggml.bos_token_id": int64(1), "tokenizer.ggml.eos_token_id": int64(2),
		"tokenizer.ggml.add_space_prefix": m.Prefix,
	}
}

// The sentencepiece library gave the digests, and the tokenizers library reads the written file to
// the same ids; see testdata/spm.py.
func TestSentencePieceAnswersAsTheReference(t *testing.T) {
	for _, name := range []string{"llama", "gemma"} {
		tok := fromGGUF(t, spmMetadata(t, name))
		written := filepath.Join("testdata", "spm", name, "tokenizer.json")
		if *update {
			if err := tok.WriteJSON(written); err != nil {
				t.Fatal(err)
			}
			continue
		}
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		if err := tok.WriteJSON(path); err != nil {
			t.Fatal(err)
		}
		if string(readFile(t, path)) != string(readFile(t, written)) {
			t.Errorf("%s: the written file has changed; run testdata/spm.py", name)
		}
		compareWithSentencePiece(t, tok, name)
		compareWithSentencePiece(t, load(t, path), name)
	}
}

func compareWithSentencePiece(t *testing.T, tok *tokenizer.Tokenizer, name string) {
	t.Helper()
	path := filepath.Join("testdata", "spm", name, "digests.txt")
	texts := familyTexts(t)
	digests := readDigests(t, path, len(texts))
	wrong, compared := 0, 0
	for i, text := range texts {
		if digests[i] == "---" {
			continue
		}
		compared++
		ids := tok.Encode(text)
		decoded, err := tok.Decode(ids, true)
		if err != nil {
			t.Fatal(err)
		}
		if digest(numbers(ids)+"\n"+decoded) != digests[i] {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: text %d: %q gives %v, %q", name, i+1, text, ids, decoded)
			}
		}
	}
	if wrong > 0 || compared < 3000 {
		t.Errorf("%s: %d of %d texts differ", name, wrong, compared)
	}
}

func TestSentencePieceAddsTheBeginToken(t *testing.T) {
	md := spmMetadata(t, "llama")
	delete(md, "tokenizer.ggml.add_space_prefix") // a space is what files that do not say want
	tok := fromGGUF(t, md)
	want := append([]int32{1}, tok.Encode("the end")...)
	if got := tok.EncodeSpecial("the end"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := tok.Token(want[1]); !strings.HasPrefix(got, "▁") {
		t.Errorf("the text begins with %q", got)
	}
	md["tokenizer.ggml.add_bos_token"] = false
	if got := fromGGUF(t, md).EncodeSpecial("the end"); !slices.Equal(got, want[1:]) {
		t.Errorf("%v, want %v", got, want[1:])
	}
}

func TestBadSentencePieceIsRefusedByKey(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		want  string
	}{
		{"tokenizer.ggml.scores", nil, "tokenizer.ggml.scores"},
		{"tokenizer.ggml.scores", []float64{1}, "has 1 entries"},
		{"tokenizer.ggml.token_type", nil, "tokenizer.ggml.token_type"},
		{"tokenizer.ggml.bos_token_id", nil, "bos_token_id"},
		{"tokenizer.ggml.tokens", nil, "tokenizer.ggml.tokens"},
	} {
		md := spmMetadata(t, "llama")
		md[c.key] = c.value
		_, err := tokenizer.FromGGUF(md)
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s = %v: %v", c.key, c.value, err)
		}
	}
	md := spmMetadata(t, "llama")
	tokens := md["tokenizer.ggml.tokens"].([]string)
	tokens[len(tokens)-1] = strings.Repeat("x", 2000)
	if _, err := tokenizer.FromGGUF(md); !errors.Is(err, oaif.ErrData) ||
		!strings.Contains(err.Error(), "2000 bytes") {
		t.Error(err)
	}
}
