package annotator

import (
	"context"
	"fmt"
)

// TextLM is a language model in this process. It must be safe for concurrent use.
type TextLM interface {
	// NextLogprobs returns, for each text, the log-prob in nats (temperature 1, computed in fp32)
	// with which each candidate comes next: [len(texts)][len(candidates)]. A candidate that is not
	// exactly one token is an error.
	NextLogprobs(ctx context.Context, texts, candidates []string) ([][]float64, error)
	// Plain returns text without what the model would take for control tokens.
	Plain(text string) string
	// Digest names the model's weights.
	Digest() string
	// ChatPrompt returns the model's chat template's rendering of a system turn (left out when it
	// is "") and a user turn, ready for the assistant's turn.
	ChatPrompt(system, user string) (string, error)
}

// Local returns lm as an LM. All prompts of a call go to lm in one.
func Local(lm TextLM) LM { return local{lm} }

type local struct{ TextLM }

func (l local) NextLogprobs(
	ctx context.Context, prompts []Prompt, candidates []string,
) ([]Next, error) {
	texts := make([]string, len(prompts))
	for i, p := range prompts {
		texts[i] = p.Text
		if p.Chat {
			text, err := l.ChatPrompt(p.System, p.Text)
			if err != nil {
				return nil, fmt.Errorf("chat prompt: %w", err)
			}
			texts[i] = text
		}
	}
	rows, err := l.TextLM.NextLogprobs(ctx, texts, candidates)
	if err != nil {
		return nil, err
	}
	out := make([]Next, len(rows))
	for i, row := range rows {
		out[i] = Next{Logprobs: row}
	}
	return out, nil
}

// TextScorer is a reward model in this process. It must be safe for concurrent use.
type TextScorer interface {
	// Scores returns one score for each text. A text that cannot be scored is an error.
	Scores(ctx context.Context, texts []string) ([]float64, error)
	// Plain returns text without what the model would take for control tokens.
	Plain(text string) string
	// Digest names the model's weights.
	Digest() string
	// ChatText returns the model's chat template's rendering of a system turn (left out when it is
	// ""), a user turn and the assistant's answer.
	ChatText(system, user, answer string) (string, error)
}

// LocalScorer returns m as a Scorer. All texts of a call go to m in one.
func LocalScorer(m TextScorer) Scorer { return localScorer{m} }

type localScorer struct{ TextScorer }

// Score implements Scorer.
func (l localScorer) Score(ctx context.Context, texts []Text) ([]Score, error) {
	whole := make([]string, len(texts))
	for i, t := range texts {
		whole[i] = t.Prompt.Text
		if t.Prompt.Chat {
			text, err := l.ChatText(t.Prompt.System, t.Prompt.Text, t.Response)
			if err != nil {
				return nil, fmt.Errorf("chat: %w", err)
			}
			whole[i] = text
		}
	}
	values, err := l.Scores(ctx, whole)
	if err != nil {
		return nil, err
	}
	scores := make([]Score, len(values))
	for i, v := range values {
		scores[i].Value = v
	}
	return scores, nil
}
