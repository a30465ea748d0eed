package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

func scanO200k(s string, match func(start, end int)) { scanCased(s, 3, true, match) }

func scanTekken(s string, match func(start, end int)) { scanCased(s, 1, false, match) }

// scanCased matches patternO200k or patternTekken, which end a word where small letters end. They
// differ in how many digits a match holds at most and whether a contraction stays with its word.
// Both cover every text without gaps.
func scanCased(s string, maxDigits int, contract bool, match func(start, end int)) {
	for i := 0; i < len(s); {
		start := i
		i = casedWord(s, start)
		switch {
		case i == start:
			i = nextUncased(s, start, maxDigits)
		case contract && i < len(s):
			i += contraction(s, i, true)
		}
		match(start, i)
	}
}

// letterCase is how the cased patterns see a letter or mark.
type letterCase uint8

const (
	noLetter letterCase = iota
	capital             // in the first class only
	small               // in the second class only
	either              // in both: marks, and letters without case
)

// caseAt returns the length of the character at i and its case.
func caseAt(s string, i int) (int, letterCase) {
	if i >= len(s) {
		return 0, noLetter
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	r = familiar(r)
	switch {
	case unicode.In(r, unicode.Lu, unicode.Lt):
		return n, capital
	case unicode.Is(unicode.Ll, r):
		return n, small
	case unicode.In(r, unicode.L, unicode.M):
		return n, either
	}
	return n, noLetter
}

// casedWord returns the end of what the first two alternatives match at i, the endings left out, or
// i. The one character that may stand before a word is taken where a word follows it.
func casedWord(s string, i int) int {
	r, n, c := classAt(s, i)
	after := i
	if c != letter && c != number && r != '\r' && r != '\n' {
		after = i + n
	}
	if e := smallWord(s, after); e > after {
		return e
	}
	if e := smallWord(s, i); e > i {
		return e
	}
	if e := capitalRun(s, after); e > after {
		return e
	}
	return capitalRun(s, i)
}

// smallWord matches capitals*smalls+ at i. What may be either belongs to the capitals as long as a
// small letter follows them; else the last of it is all that the smalls get.
func smallWord(s string, i int) int {
	given := i // the end of the last character of the run that the smalls can have
	e := i
	for {
		n, c := caseAt(s, e)
		if c == small {
			return smallRun(s, e)
		}
		if c == noLetter {
			return given
		}
		e += n
		if c == either {
			given = e
		}
	}
}

func smallRun(s string, i int) int {
	for {
		n, c := caseAt(s, i)
		if c != small && c != either {
			return i
		}
		i += n
	}
}

func capitalRun(s string, i int) int {
	for {
		n, c := caseAt(s, i)
		if c != capital && c != either {
			return i
		}
		i += n
	}
}

// nextUncased returns the end of the match of the other alternatives at i.
func nextUncased(s string, i, maxDigits int) int {
	_, n, c := classAt(s, i)
	_, _, c2 := classAt(s, i+n)
	switch {
	case c == number:
		return digits(s, i, maxDigits)
	case c == other:
		return newlinesOrSlashes(s, skip(s, i, other))
	case s[i] == ' ' && c2 == other:
		return newlinesOrSlashes(s, skip(s, i+n, other))
	}
	if e := throughNewline(s, i); e > i {
		return e
	}
	return spaces(s, i)
}

// newlinesOrSlashes matches [\r\n/]* at i.
func newlinesOrSlashes(s string, i int) int {
	for i < len(s) && (s[i] == '\r' || s[i] == '\n' || s[i] == '/') {
		i++
	}
	return i
}
