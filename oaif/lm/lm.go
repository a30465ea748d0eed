// Package lm lets a model, or a reward model, on a device answer an annotator's questions.
//
// In flow texts and candidate next tokens, out flow log-probs; or texts, and scores. The text side
// is package vocab, the arithmetic package model. The package knows no annotator: LM and Reward fit
// interfaces that package annotator declares. Errors name what cannot be asked: a candidate that is
// not one token, a text that exceeds the context.
package lm

import (
	"context"
	"fmt"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/vocab"
)

// LM is a language model that is asked for next-token log-probs. Safe for concurrent use: the
// device takes one batch at a time.
type LM struct {
	model  *model.Model
	vocab  *vocab.Vocab
	digest string
}

// New returns an LM that asks m, which must stay open. digest names m's weights
// (weights.Model.Digest).
func New(m *model.Model, v *vocab.Vocab, digest string) *LM { return &LM{m, v, digest} }

// Digest returns the digest given to New.
func (l *LM) Digest() string { return l.digest }

// Plain returns text without what the model would take for control tokens (tokenizer.Plain).
func (l *LM) Plain(text string) string { return l.vocab.Plain(text) }

// ChatPrompt returns the chat template's rendering of a system turn (left out when it is "") and a
// user turn, with the generation prompt.
func (l *LM) ChatPrompt(system, user string) (string, error) {
	return l.vocab.RenderChat(turns(system, user))
}

// turns returns a system turn, left out when it is "", and a user turn.
func turns(system, user string) []oaif.Message {
	var messages []oaif.Message
	if system != "" {
		messages = append(messages, oaif.Message{Role: "system", Content: system})
	}
	return append(messages, oaif.Message{Role: "user", Content: user})
}

// batchTokens bounds the tokens of one device call: enough for the matrix products to run at full
// rate, few enough for training and annotation to interleave.
const batchTokens = 2048

// NextLogprobs returns, for each text, the log-probs in nats (temperature 1, computed in float32)
// with which the candidates come next: [len(texts)][len(candidates)]. A candidate that is not
// exactly one token is an oaif.UsageError, a text that is empty or exceeds the context an
// oaif.DataError.
func (l *LM) NextLogprobs(ctx context.Context, texts, candidates []string) ([][]float64, error) {
	next, err := Candidates(l.vocab, candidates)
	if err != nil {
		return nil, err
	}
	ids, err := encode(l.vocab, l.model, texts)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, 0, len(texts))
	err = eachBatch(ctx, l.model.Device(), ids, func(batch [][]int32) {
		out = append(out, l.model.NextLogprobs(batch, next)...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// eachBatch calls f on the device goroutine with one batch of ids after the other.
func eachBatch(
	ctx context.Context, dev device, ids [][]int32, f func(batch [][]int32),
) error {
	for len(ids) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := fits(ids)
		if err := dev.Do(func() { f(ids[:n]) }); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// fits returns how many of the leading texts go into one batch, at least one.
func fits(ids [][]int32) int {
	tokens := 0
	for i, text := range ids {
		tokens += len(text)
		if i > 0 && tokens > batchTokens {
			return i
		}
	}
	return len(ids)
}

// device is what does the arithmetic.
type device interface{ Do(f func()) error }

// checker is what refuses ids that a model cannot take.
type checker interface {
	CheckIDs(what string, ids []int32) error
}

// encode returns the ids of each text, with the begin token that the model wants.
func encode(v *vocab.Vocab, m checker, texts []string) ([][]int32, error) {
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = v.EncodePrompt(text); err != nil {
			return nil, err
		}
		if len(ids[i]) == 0 {
			return nil, oaif.DataError("an annotator's prompt has no tokens")
		}
		if err := m.CheckIDs("an annotator's prompt", ids[i]); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// Candidates returns the single token id of each candidate text; one that is not exactly one token
// is an oaif.UsageError. An annotator can be checked with it before any weights are loaded.
func Candidates(v *vocab.Vocab, texts []string) ([]int32, error) {
	out := make([]int32, len(texts))
	for i, text := range texts {
		ids := v.Encode(text)
		if len(ids) != 1 {
			return nil, oaif.UsageError(fmt.Sprintf(
				"the candidate %q has %d tokens in the annotator's vocabulary, wants exactly one",
				text, len(ids)))
		}
		out[i] = ids[0]
	}
	return out, nil
}
