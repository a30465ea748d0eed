package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// form is a Unicode normalization form (UAX #15) as the reference computes it: with the tables of
// an older Unicode, and without the joiner that golang.org/x/text puts into long runs of marks (its
// "stream-safe" format), for which a text is a stream.
type form struct {
	whole   norm.Form // the form itself
	apart   norm.Form // its decomposition
	compose bool
}

var forms = map[string]form{
	"NFC":  {norm.NFC, norm.NFD, true},
	"NFD":  {norm.NFD, norm.NFD, false},
	"NFKC": {norm.NFKC, norm.NFKD, true},
	"NFKD": {norm.NFKD, norm.NFKD, false},
}

// normalize returns s in the form.
func (f form) normalize(s string) string {
	if f.whole.IsNormalString(s) {
		return s
	}
	all := f.decomposed(s)
	if f.compose {
		all = composed(all)
	}
	var out strings.Builder
	for _, m := range all {
		out.WriteString(m.text)
	}
	return out.String()
}

// mark is one character with its combining class, 0 for one that is no mark.
type mark struct {
	text  string
	class uint8
}

// decomposed takes characters apart and sorts each run of marks by class. An invalid byte is kept.
func (f form) decomposed(s string) []mark {
	out := make([]mark, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		text := s[:n]
		s = s[n:]
		if !unicode.Is(wholeComposites, r) {
			text = f.apart.String(text)
		}
		for len(text) > 0 {
			r, n := utf8.DecodeRuneInString(text)
			out = append(out, mark{text[:n], classOf(r, text)})
			text = text[n:]
		}
	}
	sortMarks(out)
	return out
}

// classOf returns the combining class of r, which text begins with.
func classOf(r rune, text string) uint8 {
	if unicode.Is(unorderedMarks, r) {
		return 0
	}
	return norm.NFC.PropertiesString(text).CCC()
}

// sortMarks sorts each run of marks by class, those of one class staying in their order.
func sortMarks(all []mark) {
	for i := 0; i < len(all); i++ {
		run := i
		for run < len(all) && all[run].class != 0 {
			run++
		}
		slices.SortStableFunc(all[i:run],
			func(a, b mark) int { return int(a.class) - int(b.class) })
		i = run
	}
}

// composed joins each mark with the last character that is none, unless a mark between them is in
// its way, and such characters with each other where they are neighbours.
func composed(in []mark) []mark {
	out := in[:0]
	start := -1 // of the last character that is no mark, in out
	for _, m := range in {
		neighbour := start == len(out)-1
		if start >= 0 && (neighbour || out[len(out)-1].class < m.class) {
			if joined, ok := compose(out[start].text, m.text); ok {
				out[start].text = joined
				continue
			}
		}
		out = append(out, m)
		if m.class == 0 {
			start = len(out) - 1
		}
	}
	return out
}

// compose returns the one character that two make, if there is one.
func compose(a, b string) (string, bool) {
	s := norm.NFC.String(a + b)
	r, n := utf8.DecodeRuneInString(s)
	return s, n == len(s) && !unicode.Is(wholeComposites, r)
}
