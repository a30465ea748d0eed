package eval

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/lexicon"
)

// lexiconWords is the number of words that CheckLexicon takes away.
const lexiconWords = 5

// LexiconCheck is a VADER tally after the words that rose most were taken away.
type LexiconCheck struct {
	// Words are at most five VADER lexicon words in lower case, the one that rose most first.
	Words []string `json:"words"`
	// Summary is the new tally.
	Summary
}

// CheckLexicon finds out whether the gain rests on a few words. Each question is a prompt with the
// policy's answer A and the baseline's B. The five words of VADER's lexicon whose relative
// frequency (occurrences over all words, as VADER splits them) rose most from the baseline's texts
// to the policy's are deleted from all texts, prompts included, as whole words in any case; then
// VADER judges again. Words that did not rise are never taken; among equals the first of the
// alphabet is.
func CheckLexicon(v *lexicon.Vader, questions []oaif.Question) (LexiconCheck, error) {
	var policy, baseline []string
	for _, q := range questions {
		policy = append(policy, q.Fields["prompt"]+q.A)
		baseline = append(baseline, q.Fields["prompt"]+q.B)
	}
	words := risen(v, policy, baseline)
	strip := deleter(words)
	without := make([]oaif.Question, len(questions))
	for i := range questions {
		without[i] = oaif.Question{A: strip(policy[i]), B: strip(baseline[i])}
	}
	prefs, err := v.Annotate(context.Background(), without)
	if err != nil {
		return LexiconCheck{}, fmt.Errorf("lexicon check: %w", err)
	}
	return LexiconCheck{words, Summarize("vader", Count(prefs))}, nil
}

// risen returns the lexicon words that rose most, at most lexiconWords.
func risen(v *lexicon.Vader, policy, baseline []string) []string {
	rise := v.Frequencies(policy)
	for word, f := range v.Frequencies(baseline) {
		rise[word] -= f
	}
	words := []string{}
	for word, r := range rise {
		if r > 0 {
			words = append(words, word)
		}
	}
	slices.SortFunc(words, func(x, y string) int {
		return cmp.Or(cmp.Compare(rise[y], rise[x]), cmp.Compare(x, y))
	})
	return words[:min(len(words), lexiconWords)]
}

// deleter returns a function that deletes whole words, in any case, and leaves everything else as
// it is.
func deleter(words []string) func(text string) string {
	if len(words) == 0 {
		return func(text string) string { return text }
	}
	var alternatives []string
	for _, word := range words {
		alternatives = append(alternatives, regexp.QuoteMeta(word))
	}
	// The longest first, so that of "can" and "can't" the second is tried first.
	slices.SortStableFunc(alternatives, func(x, y string) int { return len(y) - len(x) })
	whole := regexp.MustCompile(`(?i)\b(?:` + strings.Join(alternatives, "|") + `)\b`)
	return func(text string) string { return whole.ReplaceAllString(text, "") }
}
