package tokenizer_test

import (
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/tokenizer"
)

// TestPlainHasNoSpecialTokens: of all family texts, many of which hold special tokens, none is
// left, and texts without any stay as they are.
func TestPlainHasNoSpecialTokens(t *testing.T) {
	texts := familyTexts(t)
	folders, err := filepath.Glob("testdata/families/*/tokenizer.json")
	if err != nil || len(folders) < 11 {
		t.Fatalf("%d families, %v", len(folders), err)
	}
	changed := 0
	for _, path := range folders {
		tok := load(t, path)
		for _, text := range texts {
			plain := tok.Plain(text)
			had := specials(tok, tok.Encode(text))
			if left := specials(tok, tok.Encode(plain)); left > 0 {
				t.Fatalf("%s: %q still has %d special tokens", path, plain, left)
			}
			if had > 0 {
				changed++
			}
			if had > 0 && plain == text {
				t.Fatalf("%s: %q was left as it is", path, text)
			}
		}
	}
	if changed < 1000 {
		t.Errorf("only %d texts had special tokens", changed)
	}
}

func specials(tok *tokenizer.Tokenizer, ids []int32) (n int) {
	for _, id := range ids {
		if tok.IsSpecial(id) {
			n++
		}
	}
	return n
}
