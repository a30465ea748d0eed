package lm

import (
	"context"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/vocab"
)

// Reward is a reward model that is asked for scores. Safe for concurrent use: the device takes one
// batch at a time.
type Reward struct {
	model  *model.Reward
	vocab  *vocab.Vocab
	digest string
}

// NewReward returns a Reward that asks m, which must stay open. digest names m's weights
// (weights.Model.Digest).
func NewReward(m *model.Reward, v *vocab.Vocab, digest string) *Reward {
	return &Reward{m, v, digest}
}

// Digest returns the digest given to NewReward.
func (r *Reward) Digest() string { return r.digest }

// Plain returns text without what the model would take for control tokens (tokenizer.Plain).
func (r *Reward) Plain(text string) string { return r.vocab.Plain(text) }

// ChatText returns the chat template's rendering of a system turn (left out when it is ""), a user
// turn and the answer, without the generation prompt.
func (r *Reward) ChatText(system, user, answer string) (string, error) {
	return r.vocab.RenderDialogue(append(turns(system, user),
		oaif.Message{Role: "assistant", Content: answer}))
}

// Scores returns the score of each text, computed in float32 or better from the last state. A text
// that is empty or exceeds the context is an oaif.DataError.
func (r *Reward) Scores(ctx context.Context, texts []string) ([]float64, error) {
	ids, err := encode(r.vocab, r.model, texts)
	if err != nil {
		return nil, err
	}
	out := make([]float64, 0, len(texts))
	err = eachBatch(ctx, r.model.Device(), ids, func(batch [][]int32) {
		out = append(out, r.model.Scores(batch)...)
	})
	return out, err
}
