package tomlfile

import "strings"

// tooDeep returns the line, counted from 1, at which text passes maxDepth, or 0. Text that is no
// TOML may get any answer: the library stops where it ends to be some.
func tooDeep(text string) int {
	line, open, dots := 1, 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'':
			n := stringLen(text[i:])
			line += strings.Count(text[i:i+n], "\n")
			i += n - 1
		case '#':
			i += lineLen(text[i:]) - 1
		case '{', '[':
			open++
			dots = 0
		case '}', ']':
			open--
			dots = 0
		case ',', '=':
			dots = 0
		case '\n':
			line++
			dots = 0
		case '.':
			dots++
		}
		if open > maxDepth || dots > maxDepth {
			return line
		}
	}
	return 0
}

// lineLen returns the number of bytes before the next line end.
func lineLen(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i
	}
	return len(text)
}

// stringLen returns the number of bytes of the string that text begins with, its quotes included.
// One that has no end reaches to the end of its line, or of the text where it may have many lines.
func stringLen(text string) int {
	quote := text[:1]
	if !strings.HasPrefix(text, quote+quote+quote) {
		line := text[:lineLen(text)]
		return closed(line, 1, quote)
	}
	n := closed(text, 3, quote+quote+quote)
	for range 2 { // up to two quotes stand before the closing ones
		if strings.HasPrefix(text[n:], quote) {
			n++
		}
	}
	return n
}

// closed returns the end of the closing quotes from byte at on, or of text where there are none. In
// double quotes a backslash takes away the meaning of the next byte.
func closed(text string, at int, quotes string) int {
	for ; at < len(text); at++ {
		if text[at] == '\\' && quotes[0] == '"' {
			at++
		} else if strings.HasPrefix(text[at:], quotes) {
			return at + len(quotes)
		}
	}
	return len(text)
}
