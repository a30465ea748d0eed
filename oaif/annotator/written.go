package annotator

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// The scores that a pointwise annotator may write.
const (
	lowestScore  = 1
	highestScore = 10
)

// read turns what was written into a verdict, or says why it is none. What names both labels, or
// two scores, is not read as either.
func (s *Spec) read(said Said) Next {
	if said.Reason != "" {
		return Next{Reason: said.Reason}
	}
	if s.Kind == Pairwise {
		return s.readLabel(said.Text)
	}
	return readScore(said.Text)
}

func (s *Spec) readLabel(text string) Next {
	var named []int
	for i, label := range s.Labels {
		if names(text, strings.TrimSpace(label)) {
			named = append(named, i)
		}
	}
	if len(named) != 1 {
		return Next{Reason: fmt.Sprintf("%q names %d of the labels %q", short(text), len(named),
			s.Labels)}
	}
	return Next{text: true, value: float64(1 - named[0])}
}

// names reports whether text has label as a word of its own.
func names(text, label string) bool {
	between := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	if strings.ContainsFunc(label, between) {
		return strings.Contains(text, label)
	}
	for _, word := range strings.FieldsFunc(text, between) {
		if word == label {
			return true
		}
	}
	return false
}

var (
	outOf  = regexp.MustCompile(`(?i)\s*(/|out of)\s*10\b`)
	number = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?`)
	// inWord finds numbers that are part of a word or a percentage: "GPT4", "80%".
	inWord = regexp.MustCompile(`[A-Za-z_][0-9]|[0-9]([A-Za-z_]|\s*%)`)
)

func readScore(text string) Next {
	bare := outOf.ReplaceAllString(text, " ")
	found := number.FindAllString(bare, -1)
	if len(found) != 1 || inWord.MatchString(bare) {
		return Next{Reason: fmt.Sprintf("%q has not one score, a number that stands alone",
			short(text))}
	}
	value, err := strconv.ParseFloat(found[0], 64)
	if err != nil || value < lowestScore || value > highestScore {
		return Next{Reason: fmt.Sprintf("%q is no score from %d to %d", short(text), lowestScore,
			highestScore)}
	}
	return Next{text: true, value: value}
}

// short is the beginning of a text, as much as a reason has room for.
func short(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}
