package tokenizer

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:generate sh -c "python3 testdata/unicode_classes.py | go run ./testdata/unicode_tables > gen_unicode.go"

// class is what the split patterns ask of a character.
type class uint8

const (
	other  class = iota
	letter       // \p{L}
	number       // \p{N}
	space        // \s
	end          // there is no character: the text is over
)

// asciiClass is the class of each ASCII character.
var asciiClass = func() (t [utf8.RuneSelf]class) {
	for i := range t {
		t[i] = runeClass(rune(i))
	}
	return t
}()

func runeClass(r rune) class {
	r = familiar(r)
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// standIn is a run of characters and one of the same category and length in UTF-8.
type standIn struct{ first, last, like rune }

// familiar returns r, or its stand-in when Go's tables know it not, or otherwise than the patterns
// of the reference do.
func familiar(r rune) rune {
	if r < standIns[0].first {
		return r
	}
	i := sort.Search(len(standIns), func(i int) bool { return r <= standIns[i].last })
	if i < len(standIns) && r >= standIns[i].first {
		return standIns[i].like
	}
	return r
}

// familiarText returns s with every character's stand-in; offsets in it are offsets in s.
func familiarText(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return familiar(r) != r }) {
		return s
	}
	b := []byte(s)
	for i, r := range s {
		if like := familiar(r); like != r {
			utf8.EncodeRune(b[i:], like)
		}
	}
	return string(b)
}

// isNumeric is what the Digits step takes.
func isNumeric(r rune) bool { return unicode.IsNumber(r) || unicode.Is(addedNumerics, r) }

// isWord is \w: letters, marks, decimal digits, connectors and joiners.
func isWord(r rune) bool {
	return r == '\u200c' || r == '\u200d' || unicode.Is(addedWords, r) || unicode.In(r,
		unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic)
}

// classAt returns the character of s at byte i, its length in bytes and its class; past the end the
// length is 0. An invalid byte is one character of class other.
func classAt(s string, i int) (rune, int, class) {
	if i >= len(s) {
		return 0, 0, end
	}
	if c := s[i]; c < utf8.RuneSelf {
		return rune(c), 1, asciiClass[c]
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return r, n, runeClass(r)
}

// skip returns the end of the run of characters of class c that starts at i.
func skip(s string, i int, c class) int {
	for {
		_, n, k := classAt(s, i)
		if k != c {
			return i
		}
		i += n
	}
}
