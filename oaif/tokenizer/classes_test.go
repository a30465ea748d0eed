package tokenizer

import (
	"testing"
	"unicode"
)

// The sizes are those that testdata/unicode_classes.py prints; another Go release may bring tables
// that differ.
func TestClassesHaveTheReferenceSize(t *testing.T) {
	for _, c := range []struct {
		name string
		in   func(rune) bool
		want int
	}{
		{"letter", isLetter, 141028},
		{"number", isNumber, 1911},
		{"numeric", isNumeric, 1924},
		{"word", isWord, 144667},
		{"space", unicode.IsSpace, 25},
	} {
		n := 0
		for r := range rune(unicode.MaxRune + 1) {
			if c.in(r) {
				n++
			}
		}
		if n != c.want {
			t.Errorf("class %s has %d characters, the reference %d", c.name, n, c.want)
		}
	}
}

func TestRuneClassesAreDisjoint(t *testing.T) {
	for r := range rune(unicode.MaxRune + 1) {
		if isLetter(r) && isNumber(r) || unicode.IsSpace(r) && (isLetter(r) || isNumber(r)) {
			t.Fatalf("%U is in two classes", r)
		}
	}
}
