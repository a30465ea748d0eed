package tokenizer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/tokenizer"
)

// The bytes of a text's tokens, one behind the other, are the text, but for a first space.
func TestTokenBytesAreTheText(t *testing.T) {
	texts := familyTexts(t)
	folders, err := filepath.Glob("testdata/families/*/tokenizer.json")
	if err != nil || len(folders) < 11 {
		t.Fatalf("%d families, %v", len(folders), err)
	}
	for _, path := range folders {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			tok := load(t, path)
			wrong := 0
			for _, text := range texts {
				ids := tok.Encode(text)
				want, err := tok.Decode(ids, true)
				if err != nil {
					t.Fatal(err)
				}
				got := joined(tok, ids)
				if got == want || strings.TrimPrefix(got, " ") == want {
					continue
				}
				if wrong++; wrong <= 3 {
					t.Errorf("%q: the tokens' bytes are %q, the text %q", text, got, want)
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d texts differ", wrong, len(texts))
			}
		})
	}
}

func joined(tok *tokenizer.Tokenizer, ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = append(b, tok.TokenBytes(id)...)
	}
	return tokenizer.ValidUTF8(b)
}

// A character that is cut in two comes back in two parts.
func TestTokenBytesOfParts(t *testing.T) {
	tok := smolTokenizer(t)
	text, parts := "a 🦩 flamingo", 0
	var all []byte
	for _, id := range tok.Encode(text) {
		b := tok.TokenBytes(id)
		if strings.ToValidUTF8(string(b), "") != string(b) {
			parts++
		}
		all = append(all, b...)
	}
	if string(all) != text || parts < 2 {
		t.Errorf("%q came back as %q, %d tokens are no text of their own", text, all, parts)
	}
	if b := tok.TokenBytes(-1); b != nil {
		t.Errorf("no token has the bytes %q", b)
	}
}
