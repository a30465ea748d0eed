package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Plain returns text without what Encode would take for special tokens: each gets a space behind
// its first character, as in "< |im_end|>". Whoever wrote text can then not end a turn of the chat
// that it is put into.
func (t *Tokenizer) Plain(text string) string {
	for _, content := range t.added.specials {
		if !strings.Contains(text, content) {
			continue
		}
		_, n := utf8.DecodeRuneInString(content)
		apart := content[:n] + " " + content[n:]
		if n == len(content) {
			apart = " "
		}
		text = strings.ReplaceAll(text, content, apart)
	}
	return text
}

// contents returns what special tokens look like in a text, the longest first.
func (v *addedVocabulary) contents(list []addedToken) []string {
	var out []string
	for _, a := range list {
		if !a.Special {
			continue
		}
		out = append(out, a.Content)
		if c, ok := v.found[a.ID]; ok && c != a.Content {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b))
	})
	return slices.Compact(out)
}
