package lexicon

import (
	"context"

	"github.com/oaif/oaif/oaif/annotator"
)

// Scorer is a Vader behind an annotator: an answer's score is the compound score in [-1,1] of the
// text that the annotator's template makes of it. It is safe for concurrent use.
type Scorer struct{ vader *Vader }

var _ annotator.Scorer = Scorer{}

// NewScorer returns a Scorer with tables of its own.
func NewScorer() Scorer { return Scorer{NewVader()} }

// Score implements annotator.Scorer. It asks nothing of anyone, and never fails.
func (s Scorer) Score(_ context.Context, texts []annotator.Text) ([]annotator.Score, error) {
	scores := make([]annotator.Score, len(texts))
	for i, t := range texts {
		scores[i].Value = s.vader.Score(t.Prompt.Text)
	}
	return scores, nil
}

// Plain implements annotator.Scorer.
func (Scorer) Plain(text string) string { return text }

// Digest names the tables and rules, which no file holds.
func (s Scorer) Digest() string { return "vaderSentiment 3.3.2" }
