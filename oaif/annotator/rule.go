package annotator

import (
	"context"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// The rules, and what Prefer and Unit can be.
const (
	lengthRule = "length"
	regexRule  = "regex"

	shorter    = "shorter"
	longer     = "longer"
	match      = "match"
	noMatch    = "no match"
	more       = "more"
	fewer      = "fewer"
	words      = "words"
	characters = "characters"
)

// The most bytes of a pattern, and its most parts with repetitions written out.
const (
	maxPattern      = 1000
	maxPatternParts = 1000
)

// preferences are what Prefer can be with each rule.
var preferences = map[string][]string{
	lengthRule: {shorter, longer},
	regexRule:  {match, noMatch, more, fewer},
}

// NewRule returns the Scorer of a Spec of kind Rule. A text's score is
//
//	length:  its number of words (split at white space) or characters (code points)
//	regex:   1 if the pattern (RE2) matches somewhere, else 0; for "more" and "fewer" the number
//	         of matches that do not overlap
//
// with the sign that Prefer asks for. It is safe for concurrent use.
func NewRule(spec *Spec) (Scorer, error) {
	if err := spec.check(Rule); err != nil {
		return nil, err
	}
	return ruleScorer{spec}, nil
}

type ruleScorer struct{ spec *Spec }

// Plain implements Scorer.
func (ruleScorer) Plain(text string) string { return text }

// Score implements Scorer.
func (r ruleScorer) Score(_ context.Context, texts []Text) ([]Score, error) {
	sign := 1.
	if p := r.spec.Prefer; p == shorter || p == noMatch || p == fewer {
		sign = -1
	}
	scores := make([]Score, len(texts))
	for i, t := range texts {
		if n := r.measure(t.Prompt.Text); n > 0 { // so that there is no -0
			scores[i].Value = sign * float64(n)
		}
	}
	return scores, nil
}

// Digest implements Scorer: all that decides is in the Spec.
func (r ruleScorer) Digest() string { return "rule" }

func (r ruleScorer) measure(text string) int {
	switch {
	case r.spec.Rule == lengthRule && r.spec.Unit == characters:
		return utf8.RuneCountInString(text)
	case r.spec.Rule == lengthRule:
		return len(strings.Fields(text))
	case r.spec.Prefer == more || r.spec.Prefer == fewer:
		return len(r.spec.pattern.FindAllStringIndex(text, -1))
	case r.spec.pattern.MatchString(text):
		return 1
	}
	return 0
}

func (s *Spec) checkRule() error {
	known, ok := preferences[s.Rule]
	switch {
	case !ok:
		return s.errorf("rule is %q; it must be %q or %q", s.Rule, lengthRule, regexRule)
	case !slices.Contains(known, s.Prefer):
		return s.errorf("prefer is %q; with rule = %q it must be one of %s", s.Prefer, s.Rule,
			quoted(known))
	case s.Rule == regexRule && s.Unit != "":
		return s.errorf("key \"unit\" has no effect with rule = %q; delete it", s.Rule)
	case s.Rule == lengthRule && s.Pattern != "":
		return s.errorf("key \"pattern\" has no effect with rule = %q; delete it", s.Rule)
	case s.Rule == lengthRule && s.Unit != words && s.Unit != characters:
		return s.errorf("unit is %q; it must be %q or %q", s.Unit, words, characters)
	case s.Rule == lengthRule:
		return nil
	}
	return s.compilePattern()
}

// compilePattern compiles a pattern of bounded size: a few characters can ask for a long program.
func (s *Spec) compilePattern() error {
	if s.Pattern == "" || len(s.Pattern) > maxPattern {
		return s.errorf("pattern has %d bytes; it must have 1 to %d", len(s.Pattern), maxPattern)
	}
	tree, err := syntax.Parse(s.Pattern, syntax.Perl)
	if err != nil {
		return s.errorf("pattern: %v", err)
	}
	if parts(tree) > maxPatternParts {
		return s.errorf("pattern repeats too much: it has more than %d parts", maxPatternParts)
	}
	if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
		return s.errorf("pattern: %v", err)
	}
	return nil
}

// parts returns the size of a pattern with its repetitions written out.
func parts(tree *syntax.Regexp) int {
	n := 1
	if tree.Op == syntax.OpLiteral {
		n = len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		n += parts(sub)
	}
	if tree.Op == syntax.OpRepeat {
		n *= max(1, tree.Min, tree.Max)
	}
	return n
}
