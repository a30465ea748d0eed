package tokenizer

import (
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
	switch {
	case isLetter(r):
		return letter
	case isNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.Is(addedLetters, r) }

func isNumber(r rune) bool { return unicode.IsNumber(r) || unicode.Is(addedNumbers, r) }

// isNumeric is what the Digits step takes.
func isNumeric(r rune) bool { return unicode.IsNumber(r) || unicode.Is(addedNumerics, r) }

// isWord is \w: letters, marks, decimal digits, connectors and joiners.
func isWord(r rune) bool {
	return isLetter(r) || r == '\u200c' || r == '\u200d' || unicode.Is(addedWords, r) ||
		unicode.In(r, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic)
}

// classAt returns the character of s at byte i, its length in bytes and its class; past the end the
// length is
// 0. An invalid byte is one character of class other.
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
