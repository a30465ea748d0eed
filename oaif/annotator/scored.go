package annotator

import (
	"context"
	"fmt"

	"github.com/oaif/oaif/oaif"
)

// Text is one answer to be scored.
type Text struct {
	// Prompt is what the Spec's templates make of the record and, but for a chat with a reward
	// model, of the answer.
	Prompt Prompt
	// Response is the answer; with Prompt.Chat it is the turn after the prompt.
	Response string
}

// Score is what a Scorer says of one Text.
type Score struct {
	// Value is the higher, the better; P(a is better) is the sigmoid of a difference of two.
	Value float64
	// Reason says why there is no Value; "" when there is one.
	Reason string
}

// Scorer gives each answer a number of its own: a reward model, a word list, a rule. It must be
// safe for concurrent use.
type Scorer interface {
	// Score returns one Score per text, in order. A text that cannot be scored is a Score with a
	// Reason; an error means that nothing can be scored.
	Score(ctx context.Context, texts []Text) ([]Score, error)
	// Plain returns an answer's text as it can stand in a text that is scored; see LM.
	Plain(text string) string
	// Digest names what decides a score, for the key under which verdicts are stored.
	Digest() string
}

// NewScored returns the annotator of a Spec of kind Reward, Lexicon or Rule. It is safe for
// concurrent use.
func NewScored(spec *Spec, scorer Scorer) (oaif.Annotator, error) {
	if err := spec.check(Reward, Lexicon, Rule); err != nil {
		return nil, err
	}
	return &scored{spec, scorer}, nil
}

// scored makes verdicts of what a Scorer says.
type scored struct {
	spec   *Spec
	scorer Scorer
}

// Annotate implements oaif.Annotator. Both answers of every question whose texts differ go to the
// Scorer, all in one call.
func (s *scored) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	return Differing(questions, func(differ []oaif.Question) ([]oaif.Preference, error) {
		var texts []Text
		for _, q := range differ {
			q.A, q.B = s.scorer.Plain(q.A), s.scorer.Plain(q.B)
			two, err := s.spec.Prompts(q)
			if err != nil {
				return nil, err
			}
			texts = append(texts, Text{two[0], q.A}, Text{two[1], q.B})
		}
		said, err := s.scorer.Score(ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("annotator: %w", err)
		}
		if len(said) != len(texts) {
			return nil, fmt.Errorf("annotator: %d scores for %d answers", len(said), len(texts))
		}
		prefs := make([]oaif.Preference, len(differ))
		for i := range prefs {
			prefs[i] = s.spec.Compare(said[2*i], said[2*i+1])
		}
		return prefs, nil
	})
}
