package tokenizer

// scanGPT2 matches patternGPT2, which covers every text without gaps.
func scanGPT2(s string, match func(start, end int)) {
	for i := 0; i < len(s); {
		start := i
		i = nextGPT2(s, i)
		match(start, i)
	}
}

// nextGPT2 returns the end of the match that starts at i.
func nextGPT2(s string, i int) int {
	if n := contraction(s, i, false); n > 0 {
		return i + n
	}
	body := i
	_, n, c := classAt(s, i)
	if s[i] == ' ' { // " ?" takes one space before anything but space
		if _, n2, c2 := classAt(s, i+1); c2 != space && c2 != end {
			body, n, c = i+1, n2, c2
		}
	}
	if c == space {
		return spaces(s, i)
	}
	return skip(s, body+n, c)
}

// spaces matches \s+(?!\S)|\s+ at i: the whole run at the end of the text; else all but the last
// space, which goes with what comes next, unless it is the only one.
func spaces(s string, i int) int {
	last, e := i, i
	for {
		_, n, c := classAt(s, e)
		if c != space {
			break
		}
		last = e
		e += n
	}
	if e < len(s) && last > i {
		return last
	}
	return e
}

// contraction returns the length of 's, 't, 're, 've, 'm, 'll or 'd at i, or 0. fold ignores case.
func contraction(s string, i int, fold bool) int {
	if s[i] != '\'' {
		return 0
	}
	a, n := foldedLetter(s, i+1, fold)
	switch a {
	case 's', 't', 'm', 'd':
		return 1 + n
	case 'r', 'v', 'l':
		b, m := foldedLetter(s, i+1+n, fold)
		if a == 'l' && b == 'l' || a != 'l' && b == 'e' {
			return 1 + n + m
		}
	}
	return 0
}

// foldedLetter returns the ASCII character at i and its length, in lower case if fold is set.
func foldedLetter(s string, i int, fold bool) (byte, int) {
	if i >= len(s) {
		return 0, 0
	}
	c := s[i]
	if fold && c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A', 1
	}
	// U+017F, the long s, is the one character outside ASCII that folds to a letter asked for here.
	if fold && c == 0xc5 && i+1 < len(s) && s[i+1] == 0xbf {
		return 's', 2
	}
	return c, 1
}
