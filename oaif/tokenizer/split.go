package tokenizer

// scanner reports the matches of a pattern in s as byte offsets, in order and without overlap.
// An empty match is a place between characters.
type scanner func(s string, match func(start, end int))

// span is a stretch of a text that a pattern matched, or the stretch between two matches.
type span struct {
	start, end int
	match      bool
}

// behavior says what becomes of the spans that a Split finds: the pieces, in order.
type behavior func([]span) []span

var behaviors = map[string]behavior{
	"Isolated":           isolated,
	"Removed":            removed,
	"Contiguous":         contiguous,
	"MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext":     mergedWithNext,
}

// cut makes a pre-tokenizer of a pattern and a behavior.
func cut(scan scanner, b behavior) preTokenizer {
	return func(p piece, emit func(piece)) {
		for _, s := range b(spans(scan, p.text)) {
			if s.end > s.start {
				emit(piece{p.text[s.start:s.end], p.first && s.start == 0})
			}
		}
	}
}

// spans covers s completely.
func spans(scan scanner, s string) []span {
	out := make([]span, 0, len(s)/4+1)
	at := 0
	scan(s, func(start, end int) {
		if start > at {
			out = append(out, span{at, start, false})
		}
		out = append(out, span{start, end, true})
		at = end
	})
	if at < len(s) {
		out = append(out, span{at, len(s), false})
	}
	return out
}

// inverted makes matches of what is between the matches. Neighbouring matches stay apart.
func inverted(b behavior) behavior {
	return func(in []span) []span {
		for i := range in {
			in[i].match = !in[i].match
		}
		return b(in)
	}
}

func isolated(in []span) []span { return in }

func removed(in []span) []span {
	out := in[:0]
	for _, s := range in {
		if !s.match {
			out = append(out, s)
		}
	}
	return out
}

// contiguous joins neighbouring matches.
func contiguous(in []span) []span {
	out := in[:0]
	for _, s := range in {
		if n := len(out); n > 0 && out[n-1].match == s.match {
			out[n-1].end = s.end
		} else {
			out = append(out, s)
		}
	}
	return out
}

// mergedWithPrevious ends a piece after each match; of several matches in a row only the first
// joins what is before it.
func mergedWithPrevious(in []span) []span {
	out := in[:0]
	before := false
	for _, s := range in {
		if n := len(out); n > 0 && s.match && !before {
			out[n-1].end = s.end
		} else {
			out = append(out, s)
		}
		before = s.match
	}
	return out
}

// mergedWithNext starts a piece at each match; of several matches in a row only the last joins what
// is after it.
func mergedWithNext(in []span) []span {
	out := in[:0]
	before := false
	for _, s := range in {
		if n := len(out); n > 0 && !s.match && before {
			out[n-1].end = s.end
		} else {
			out = append(out, s)
		}
		before = s.match
	}
	return out
}
