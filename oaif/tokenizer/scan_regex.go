package tokenizer

import (
	"fmt"
	"strings"

	"github.com/dlclark/regexp2/v2"
)

// scanRegex handles the patterns without a scanner of their own. The RE2 option stays off: with it
// \s would be ASCII only. What the engine sees in place of characters that are new to it has their
// length, so offsets hold.
func scanRegex(expr string) (scanner, error) {
	if part := ambiguous(expr); part != "" {
		return nil, fmt.Errorf("pattern %q: engines do not agree on %q", expr, part)
	}
	re, err := regexp2.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %v", expr, err)
	}
	return func(s string, match func(start, end int)) {
		// The engine has no timeout set, and that is its only error; without matches s stays whole.
		all, err := re.FindAllStringIndex(familiarText(s), -1)
		if err != nil {
			return
		}
		last := -1
		for _, m := range all {
			if m[1] > m[0] || m[0] != last { // no empty match right behind another
				match(m[0], m[1])
			}
			last = m[1]
		}
	}, nil
}

// groups are the beginnings of groups that the reference's engine and ours read alike.
var groups = []string{"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"}

// ambiguous returns the first part of a pattern that the reference's engine (Oniguruma) and ours
// read differently, such as a class within a class, or "".
func ambiguous(expr string) string {
	class := false // between [ and ]
	for i := 0; i < len(expr); i++ {
		rest := expr[i:]
		switch c := expr[i]; {
		case c == '\\':
			if n := escape(rest); n > 0 {
				return rest[:n]
			}
			i++
		case class && (c == '[' || strings.HasPrefix(rest, "&&")):
			return rest[:min(2, len(rest))]
		case class:
			class = c != ']'
		case c == '[':
			class = true
			if strings.HasPrefix(rest[1:], "^") {
				i++
			}
		case c == '^' || c == '$':
			return rest[:1]
		case strings.HasPrefix(rest, "(?") && !hasAnyPrefix(rest, groups):
			return rest[:min(3, len(rest))]
		}
	}
	return ""
}

// escape returns the length of an escape that is not read alike, else 0.
func escape(s string) int {
	if len(s) < 2 {
		return 1
	}
	c := s[1]
	letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
	if letter && !strings.ContainsRune("pPsSdDrntfvu", rune(c)) {
		return 2
	}
	return 0
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
