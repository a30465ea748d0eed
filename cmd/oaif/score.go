package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/prompts"
)

func scoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "score",
		Usage:     "give the log-probs of completions",
		UsageText: "oaif score --model M [--in FILE] [--out FILE]",
		Description: `Reads {"prompt","completion"} or {"prompt_ids","completion_ids"}, writes
{"logprob","token_logprobs","token_ids"}: log-probs in nats at temperature 1,
their sum, and the completion's ids. A prompt is tokenized with the begin token
that the model wants, a completion by itself, without begin or end token. An
empty completion has log-prob 0.

Example:
  echo '{"prompt": "The sky is", "completion": " blue"}' |
    oaif score --model model.gguf`,
		Flags:  flags(modelFlag(), ioFlags(), computeFlags(), threadsFlag()),
		Action: score,
	}
}

// scoreRequest is one input line of score.
type scoreRequest struct {
	line          prompts.Line
	Prompt        *string   `json:"prompt"`
	PromptIDs     *[]*int64 `json:"prompt_ids"`
	Completion    *string   `json:"completion"`
	CompletionIDs *[]*int64 `json:"completion_ids"`
}

// scoreAnswer is one output line of score.
type scoreAnswer struct {
	Logprob       float64   `json:"logprob"`
	TokenLogprobs []float32 `json:"token_logprobs"`
	TokenIDs      []int32   `json:"token_ids"`
}

func parseScore(line prompts.Line) (r scoreRequest, err error) {
	if err := line.Decode(&r); err != nil {
		return r, err
	}
	r.line = line
	if (r.Prompt == nil) == (r.PromptIDs == nil) {
		return r, line.Errorf(`wants either "prompt" or "prompt_ids"`)
	}
	if (r.Completion == nil) == (r.CompletionIDs == nil) {
		return r, line.Errorf(`wants either "completion" or "completion_ids"`)
	}
	return r, nil
}

// sequence returns the request's token ids.
func (r scoreRequest) sequence(m *modelFile) (s model.Sequence, err error) {
	if s.Prompt, err = m.promptIDs(r.line, r.Prompt, r.PromptIDs); err != nil {
		return s, err
	}
	if r.Completion != nil {
		s.Completion = m.vocab.Encode(*r.Completion)
	} else if s.Completion, err = checkIDs(
		r.line, "completion_ids", *r.CompletionIDs, m.config); err != nil {
		return s, err
	}
	if len(s.Prompt) == 0 && len(s.Completion) > 0 {
		return s, r.line.Errorf(
			"the prompt has no tokens: the completion's first one has no log-prob")
	}
	if n := len(s.Prompt) + len(s.Completion); n > m.config.Context {
		return s, r.line.Errorf("prompt and completion have %d tokens, the model's context is %d",
			n, m.config.Context)
	}
	return s, nil
}

func score(c *cli.Context) error {
	if _, err := positionals(c, 0, 0, ""); err != nil {
		return err
	}
	if err := checkCompute(c); err != nil {
		return err
	}
	return withModelFile(c, "model", func(m *modelFile) error {
		return withOutput(c, func(out *lineWriter) error { return scoreLines(c, m, out) })
	})
}

func scoreLines(c *cli.Context, m *modelFile, out *lineWriter) error {
	requests, err := decodeLines(c, parseScore)
	if err != nil {
		return err
	}
	seqs := make([]model.Sequence, len(requests))
	for i, r := range requests {
		if seqs[i], err = r.sequence(m); err != nil {
			return err
		}
	}
	return m.withWeights(c, func(policy *model.Model) error {
		for _, batch := range batches(seqs) {
			if err := scoreBatch(c.Context, policy, batch, out); err != nil {
				return err
			}
		}
		return nil
	})
}

// batches cuts sequences into runs that are scored at once: as many as fit into a number of tokens
// that keeps the processor busy and memory small.
func batches(seqs []model.Sequence) [][]model.Sequence {
	const most = 2048 // tokens
	var out [][]model.Sequence
	first, tokens := 0, 0
	for i, s := range seqs {
		n := len(s.Prompt) + len(s.Completion)
		if i > first && tokens+n > most {
			out = append(out, seqs[first:i])
			first, tokens = i, 0
		}
		tokens += n
	}
	return append(out, seqs[first:])
}

// scoreBatch scores some sequences and writes a line for each. Empty completions have nothing to
// score.
func scoreBatch(ctx context.Context, m *model.Model, seqs []model.Sequence, out *lineWriter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var some []model.Sequence
	for _, s := range seqs {
		if len(s.Completion) > 0 {
			some = append(some, s)
		}
	}
	var scored []model.Scored
	if len(some) > 0 {
		if err := m.Device().Do(func() { scored = m.Score(some) }); err != nil {
			return err
		}
	}
	for _, s := range seqs {
		answer := scoreAnswer{TokenLogprobs: []float32{}, TokenIDs: []int32{}}
		if len(s.Completion) > 0 {
			answer = scoreAnswer{scored[0].Sum(), scored[0].Logprobs, s.Completion}
			scored = scored[1:]
		}
		if err := out.write(answer); err != nil {
			return err
		}
	}
	return nil
}
