package tokenizer

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

// The sizes are those that testdata/unicode_classes.py prints; another Go release may bring tables
// that differ.
func TestClassesHaveTheReferenceSize(t *testing.T) {
	for _, c := range []struct {
		name string
		in   func(rune) bool
		want int
	}{
		{"letter", func(r rune) bool { return runeClass(r) == letter }, 141028},
		{"number", func(r rune) bool { return runeClass(r) == number }, 1911},
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

// A regular expression sees the stand-in in place of the character, at the same offsets.
func TestStandInsKeepTheLength(t *testing.T) {
	last := rune(-1)
	for _, s := range standIns {
		if s.first <= last || s.last < s.first {
			t.Errorf("%U-%U is out of order", s.first, s.last)
		}
		last = s.last
		for _, r := range []rune{s.first, s.last} {
			if utf8.RuneLen(r) != utf8.RuneLen(s.like) || familiar(r) != s.like {
				t.Errorf("%U has the stand-in %U", r, familiar(r))
			}
		}
	}
}
