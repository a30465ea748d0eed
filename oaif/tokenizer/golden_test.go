package tokenizer_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/tokenizer"
)

// golden is one line of what the reference library answers; see testdata/golden.py.
type golden struct {
	Text    *string
	IDs     []int32
	Special []int32
	Full    *string
	Plain   *string
}

func readGolden(t *testing.T, path string) []golden {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	for line := range bytes.Lines(b) {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatalf("%s:%d: %v", path, len(out)+1, err)
		}
		out = append(out, g)
	}
	return out
}

// check compares every answer with the reference's.
func check(t *testing.T, tok *tokenizer.Tokenizer, lines []golden) {
	t.Helper()
	for i, g := range lines {
		if t.Failed() && i > 20 {
			return
		}
		full, plain := g.Text, g.Text
		if g.Text != nil {
			if got := tok.Encode(*g.Text); !slices.Equal(got, g.IDs) {
				t.Errorf("line %d: %q gives %v, want %v", i+1, *g.Text, got, g.IDs)
			}
			special := g.Special
			if special == nil {
				special = g.IDs
			}
			if got := tok.EncodeSpecial(*g.Text); !slices.Equal(got, special) {
				t.Errorf("line %d: %q gives %v with special tokens, want %v", i+1, *g.Text,
					got, special)
			}
		}
		if g.Full != nil {
			full = g.Full
		}
		if g.Plain != nil {
			plain = g.Plain
		}
		decodes(t, tok, i+1, g.IDs, true, *full)
		decodes(t, tok, i+1, g.IDs, false, *plain)
	}
}

func decodes(
	t *testing.T, tok *tokenizer.Tokenizer, line int, ids []int32, keep bool, want string,
) {
	t.Helper()
	got, err := tok.Decode(ids, keep)
	if err != nil || got != want {
		t.Errorf("line %d: %v decodes to %q (%v), want %q (keepSpecial %v)", line, ids, got,
			err, want, keep)
	}
}

func TestSmolLM2AnswersAsTheReference(t *testing.T) {
	check(t, smolTokenizer(t), readGolden(t, filepath.Join("testdata", "smollm2.jsonl")))
}

// The written file must give the same tokenizer again, and so must the file written from that.
func TestSmolLM2WrittenAndReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := smolTokenizer(t).WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	tok := load(t, path)
	check(t, tok, readGolden(t, filepath.Join("testdata", "smollm2.jsonl")))
	again := filepath.Join(t.TempDir(), "tokenizer.json")
	if err := tok.WriteJSON(again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, path), readFile(t, again)) {
		t.Error("a tokenizer.json is not written as it was read")
	}
}

func TestSmallTokenizersAnswerAsTheReference(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/tokenizer.json")
	if err != nil || len(paths) < 9 {
		t.Fatalf("%d small tokenizers, %v", len(paths), err)
	}
	for _, path := range paths {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			check(t, load(t, path), readGolden(t, filepath.Join(dir, "golden.jsonl")))
		})
	}
}

func load(t testing.TB, path string) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.FromJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
