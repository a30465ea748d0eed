package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// TokenBytes returns what a token adds to a text that it continues, special tokens their content.
// It need not be whole characters: ValidUTF8 makes text of the bytes of tokens one behind the
// other, which is what Decode gives for them but for a space that some tokenizers leave out before
// a text's first word. An id that no token has adds nothing.
func (t *Tokenizer) TokenBytes(id int32) []byte {
	if !t.has(id) {
		return nil
	}
	content := t.tokens[id]
	alone := t.decode.text([]string{content})
	if strings.ContainsRune(alone, utf8.RuneError) {
		return rawBytes(content, alone)
	}
	// Behind another token, such as itself, it is not the first one.
	twice := t.decode.text([]string{content, content})
	if second, ok := strings.CutPrefix(twice, alone); ok {
		return []byte(second)
	}
	return []byte(alone)
}

// rawBytes returns the bytes of a token that is no whole characters: <0xXX>, or letters of the
// byte-level alphabet.
func rawBytes(content, alone string) []byte {
	if b, ok := byteOf(content); ok {
		return []byte{b}
	}
	var out []byte
	for _, r := range content {
		b, ok := letterByte[r]
		if !ok {
			return []byte(alone)
		}
		out = append(out, b)
	}
	return out
}
