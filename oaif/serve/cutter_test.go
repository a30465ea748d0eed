package serve

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Whatever the pieces, the text that is shown is the one before the first stop string, and what was
// shown never has to be taken back.
func TestCutterInAllPieces(t *testing.T) {
	for _, c := range []struct {
		text, want string
		stops      []string
		stopped    bool
	}{
		{"plain", "plain", nil, false},
		{"to END of it", "to ", []string{"END"}, true},
		{"to EN of it", "to EN of it", []string{"END"}, false},
		{"ends in EN", "ends in EN", []string{"END"}, false},
		{"aab", "", []string{"aab"}, true},
		{"aaab", "a", []string{"aab"}, true},
		{"first of two", "f", []string{"of", "ir"}, true},
		{"one in another", "one ", []string{"in another", "in"}, true},
		{"über 🦩 flamingo", "über ", []string{"🦩"}, true},
		{"über 🦩 é", "über 🦩 é", []string{"🦩🦩", "éé"}, false},
		{"a\xf0\x9f b", "a\ufffd b", nil, false},
		{"a\xf0\x9f", "a\ufffd", nil, false},
		{"\xff\xfe\xc3", "\ufffd\ufffd\ufffd", []string{"x"}, false},
		{"", "", []string{"x"}, false},
		{"line\n\nnext", "line", []string{"\n\n"}, true},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 50 {
			cut := cutter{stops: c.stops}
			var shown strings.Builder
			for rest := c.text; rest != "" && !cut.stopped; {
				n := 1 + rng.IntN(min(4, len(rest)))
				shown.WriteString(cut.add([]byte(rest[:n])))
				if !strings.HasPrefix(c.want, shown.String()) {
					t.Fatalf("%q: %q was shown", c.text, shown.String())
				}
				rest = rest[n:]
			}
			if !cut.stopped {
				shown.WriteString(cut.end())
			}
			if shown.String() != c.want || cut.stopped != c.stopped {
				t.Fatalf("%q cut at %q: %q, stopped %v; want %q, %v", c.text, c.stops,
					shown.String(), cut.stopped, c.want, c.stopped)
			}
		}
	}
}

// What is no beginning of anything is shown at once.
func TestCutterHoldsNoMoreThanItMust(t *testing.T) {
	cut := cutter{stops: []string{"END", "\n\n"}}
	for _, c := range []struct{ add, want string }{
		{"word", "word"}, {" E", " "}, {"N", ""}, {"T", "ENT"}, {"\n", ""}, {"x\xc3", "\nx"},
		{"\xa9", "é"},
	} {
		if got := cut.add([]byte(c.add)); got != c.want {
			t.Errorf("after %q: %q is shown, want %q", c.add, got, c.want)
		}
	}
	if bytes, runes := cut.start(); bytes != len("word ENT\nxé") || runes != 11 {
		t.Errorf("the next token starts at byte %d, character %d", bytes, runes)
	}
}
