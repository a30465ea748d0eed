package tokenizer

func scanLlama3(s string, match func(start, end int)) { scanFolded(s, 3, match) }

func scanQwen2(s string, match func(start, end int)) { scanFolded(s, 1, match) }

// scanFolded matches patternLlama3 or patternQwen2, which differ in how many digits a match holds
// at most. Both cover every text without gaps.
func scanFolded(s string, maxDigits int, match func(start, end int)) {
	for i := 0; i < len(s); {
		start := i
		i = nextFolded(s, i, maxDigits)
		match(start, i)
	}
}

// nextFolded returns the end of the match that starts at i. The cases are the pattern's
// alternatives in order.
func nextFolded(s string, i, maxDigits int) int {
	if n := contraction(s, i, true); n > 0 {
		return i + n
	}
	r, n, c := classAt(s, i)
	_, n2, c2 := classAt(s, i+n)
	newline := r == '\r' || r == '\n'
	switch {
	case c == letter:
		return skip(s, i+n, letter)
	case c != number && !newline && c2 == letter: // [^\r\n\p{L}\p{N}]?\p{L}+
		return skip(s, i+n+n2, letter)
	case c == number:
		return digits(s, i, maxDigits)
	case c == other:
		return newlines(s, skip(s, i, other))
	case r == ' ' && c2 == other:
		return newlines(s, skip(s, i+n, other))
	}
	if e := throughNewline(s, i); e > i {
		return e
	}
	return spaces(s, i)
}

// digits returns the end of at most max number characters at i.
func digits(s string, i, max int) int {
	for range max {
		_, n, c := classAt(s, i)
		if c != number {
			break
		}
		i += n
	}
	return i
}

// newlines matches [\r\n]* at i.
func newlines(s string, i int) int {
	for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// throughNewline matches \s*[\r\n]+ at i: the run of spaces up to its last newline. It returns i
// when the run has none.
func throughNewline(s string, i int) int {
	last := i
	for e := skip(s, i, space); e > i; e-- {
		if s[e-1] == '\r' || s[e-1] == '\n' {
			last = e
			break
		}
	}
	return last
}
