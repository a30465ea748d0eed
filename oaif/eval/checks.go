package eval

import (
	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/lexicon"
)

// Checks asks whether a gain is a trick: less varied text, one answer for all prompts, one token
// that fills a position, or a few lexicon words.
type Checks struct {
	Distinct2         float64 `json:"distinct2"`
	BaselineDistinct2 float64 `json:"baseline_distinct2"`
	// DistinctAnswers is the share of different answers, in [0,1].
	DistinctAnswers float64       `json:"distinct_answers"`
	Concentration   Concentration `json:"concentration"`
	Lexicon         LexiconCheck  `json:"lexicon"`
}

// Check runs all checks of the policy's answers against the baseline's.
func Check(
	v *lexicon.Vader, prompts []*oaif.Prompt, policy, baseline []oaif.Completion,
) (Checks, error) {
	texts := make([]string, len(policy))
	for i, c := range policy {
		texts[i] = c.Text
	}
	lex, err := CheckLexicon(v, Questions(prompts, policy, baseline))
	return Checks{
		Distinct2:         Distinct2(IDs(policy)),
		BaselineDistinct2: Distinct2(IDs(baseline)),
		DistinctAnswers:   DistinctShare(texts),
		Concentration:     PositionConcentration(IDs(policy)),
		Lexicon:           lex,
	}, err
}
