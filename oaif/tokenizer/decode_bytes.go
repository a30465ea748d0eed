package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// decodeByteLevel reads tokens written in the byte-level alphabet. A token with any other
// character, such as an added token with a space in it, stands for its own bytes.
func decodeByteLevel(tokens []string) []string {
	var b []byte
	for _, s := range tokens {
		n := len(b)
		for _, r := range s {
			v, ok := letterByte[r]
			if !ok {
				b = append(b[:n], s...)
				break
			}
			b = append(b, v)
		}
	}
	return []string{ValidUTF8(b)}
}

// decodeByteFallback joins runs of <0xXX> tokens into text; a run that is not UTF-8 becomes one
// U+FFFD for each of its bytes.
func decodeByteFallback(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		if utf8.Valid(run) {
			out = append(out, string(run))
		} else {
			out = append(out, strings.Repeat("\uFFFD", len(run)))
		}
		run = run[:0]
	}
	for _, s := range tokens {
		if b, ok := byteOf(s); ok {
			run = append(run, b)
			continue
		}
		flush()
		out = append(out, s)
	}
	flush()
	return out
}

// byteOf returns the byte that a token of the form <0xXX> stands for.
func byteOf(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	hi, lo := hexDigit(s[3]), hexDigit(s[4])
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// ValidUTF8 returns b as text with one U+FFFD in place of each maximal invalid part, as the Unicode
// standard recommends (section 3.9); Go's own conversion would put one for each byte.
func ValidUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = invalidPart(b)
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// invalidPart returns the length of the longest beginning of b that could have begun a character,
// at least 1.
func invalidPart(b []byte) int {
	need, lo, hi := 0, byte(0x80), byte(0xbf)
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
	case c >= 0xf0 && c <= 0xf4:
		need = 3
	}
	switch b[0] { // these lead bytes allow fewer second bytes
	case 0xe0:
		lo = 0xa0
	case 0xed:
		hi = 0x9f
	case 0xf0:
		lo = 0x90
	case 0xf4:
		hi = 0x8f
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= lo && b[n] <= hi {
		lo, hi = 0x80, 0xbf
		n++
	}
	return n
}
