package main

import (
	"errors"
	"math"

	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/sampler"
)

func sampleCommand() *cli.Command {
	return &cli.Command{
		Name:      "sample",
		Usage:     "draw completions of prompts",
		UsageText: "oaif sample --model M [--in FILE] [--out FILE] [--n N] [--temperature T]",
		Description: `Reads {"prompt"}, {"prompt_ids"} or {"messages"}, writes
{"completions":[{"text","ids","logprob","finish":"eos"|"length"}]}. "ids"
include the end token that stopped them, "text" leaves special tokens out, and
"logprob" is in nats at temperature 1. Temperature 0 is greedy. The same seed
gives the same completions of a line, whatever the lines beside it.

Example:
  echo '{"prompt": "The sky is"}' |
    oaif sample --model model.gguf --n 2 --max-new-tokens 8`,
		Flags: flags(modelFlag(), ioFlags(), []cli.Flag{
			&cli.IntFlag{Name: "n", Value: 1, Usage: "`NUMBER` of completions of each prompt"},
		}, samplingFlags(1), computeFlags(), threadsFlag()),
		Action: sample,
	}
}

func samplingFlags(temperature float64) []cli.Flag {
	return []cli.Flag{
		&cli.Float64Flag{Name: "temperature", Value: temperature,
			Usage: "`T` that divides the logits; 0 is greedy"},
		&cli.IntFlag{Name: "top-k",
			Usage: "`NUMBER` of most likely tokens to draw from, 0 for all"},
		&cli.Float64Flag{Name: "top-p", Value: 1, Usage: "`SHARE` of probability to draw from"},
		&cli.IntFlag{Name: "max-new-tokens", Value: 64,
			Usage: "`TOKENS` at which a completion is cut"},
		&cli.IntFlag{Name: "min-new-tokens", Usage: "`TOKENS` before which no completion ends"},
		&cli.Int64Flag{Name: "seed", Value: 1, Usage: "`NUMBER` that keys the noise"},
		eosFlag(),
	}
}

// samplingOptions returns the sampler's options when every flag has a value that it can have.
func samplingOptions(c *cli.Context) (sampler.Options, error) {
	opt := sampler.Options{
		Temperature: c.Float64("temperature"), TopK: c.Int("top-k"), TopP: c.Float64("top-p"),
		MinNewTokens: c.Int("min-new-tokens"), MaxNewTokens: c.Int("max-new-tokens"),
		Seed: uint64(c.Int64("seed")),
	}
	const coldest, hottest = config.MinTemperature, config.MaxTemperature
	switch t := opt.Temperature; {
	case t != 0 && !(t >= coldest && t <= hottest): // NaN is neither
		return opt, usagef(c, "--temperature: wants 0 or a number in [%v,%v], got %v",
			coldest, hottest, t)
	case !(opt.TopP > 0 && opt.TopP <= 1):
		return opt, usagef(c, "--top-p: wants a number in (0,1], got %v", opt.TopP)
	case opt.MaxNewTokens > 0 && opt.MinNewTokens > opt.MaxNewTokens:
		return opt, usagef(c, "--min-new-tokens: wants at most --max-new-tokens, %d, got %d",
			opt.MaxNewTokens, opt.MinNewTokens)
	case c.Int64("seed") < 0:
		return opt, usagef(c, "--seed: wants at least 0, got %d", c.Int64("seed"))
	}
	return opt, errors.Join(checkRange(c, "top-k", 0, config.MaxTopK),
		checkRange(c, "min-new-tokens", 0, math.MaxInt), checkRange(c, "max-new-tokens", 1,
			math.MaxInt))
}

// sampleRequest is one input line of sample.
type sampleRequest struct {
	line      prompts.Line
	Prompt    *string        `json:"prompt"`
	PromptIDs *[]*int64      `json:"prompt_ids"`
	Messages  []oaif.Message `json:"messages"`
}

func parseSample(line prompts.Line) (r sampleRequest, err error) {
	if err := line.Decode(&r); err != nil {
		return r, err
	}
	r.line = line
	given := 0
	for _, is := range []bool{r.Prompt != nil, r.PromptIDs != nil, r.Messages != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return r, line.Errorf(`wants one of "prompt", "prompt_ids" and "messages"`)
	}
	return r, checkMessages(line, r.Messages)
}

// prompt returns the request as the index-th prompt, with room for newTokens in the context.
func (r sampleRequest) prompt(m *modelFile, index, newTokens int) (*oaif.Prompt, error) {
	if r.Messages != nil {
		text, err := m.vocab.RenderChat(r.Messages)
		if err != nil {
			return nil, r.line.Errorf("%v", err)
		}
		r.Prompt = &text
	}
	ids, err := m.promptIDs(r.line, r.Prompt, r.PromptIDs)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, r.line.Errorf("the prompt has no tokens")
	}
	if newTokens > m.config.Context-len(ids) {
		return nil, r.line.Errorf(
			"a prompt of %d tokens and %d new ones exceed the model's context of %d",
			len(ids), newTokens, m.config.Context)
	}
	return &oaif.Prompt{Index: index, IDs: ids}, nil
}

func sample(c *cli.Context) error {
	if _, err := positionals(c, 0, 0, ""); err != nil {
		return err
	}
	if err := checkCompute(c); err != nil {
		return err
	}
	opt, err := samplingOptions(c)
	if err != nil {
		return err
	}
	if err := checkRange(c, "n", 1, config.MaxPrompts); err != nil {
		return err
	}
	return withModelFile(c, "model", func(m *modelFile) error {
		opt.EOS = m.vocab.EOS
		return withOutput(c, func(out *lineWriter) error { return sampleLines(c, m, opt, out) })
	})
}

func sampleLines(c *cli.Context, m *modelFile, opt sampler.Options, out *lineWriter) error {
	requests, err := decodeLines(c, parseSample)
	if err != nil {
		return err
	}
	n := c.Int("n")
	var asked []sampler.Request
	for i, r := range requests {
		p, err := r.prompt(m, i, opt.MaxNewTokens)
		if err != nil {
			return err
		}
		for response := range n {
			asked = append(asked, sampler.Request{Prompt: p, Response: response})
		}
	}
	return m.toDecode(c, func(policy *model.Model) error {
		done, err := sampler.New(policy, m.vocab, opt).Generate(c.Context, 0, asked)
		if err != nil {
			return err
		}
		for i := 0; i < len(done); i += n {
			if err := out.write(completionsOf(done[i : i+n])); err != nil {
				return err
			}
		}
		return nil
	})
}

// sampleAnswer is one output line of sample.
type sampleAnswer struct {
	Completions []sampledCompletion `json:"completions"`
}

type sampledCompletion struct {
	Text    string      `json:"text"`
	IDs     []int32     `json:"ids"`
	Logprob float64     `json:"logprob"`
	Finish  oaif.Finish `json:"finish"`
}

func completionsOf(done []oaif.Completion) sampleAnswer {
	var answer sampleAnswer
	for _, d := range done {
		sum := 0.0
		for _, l := range d.Logprobs {
			sum += float64(l)
		}
		answer.Completions = append(answer.Completions,
			sampledCompletion{d.Text, d.IDs, sum, d.Finish})
	}
	return answer
}
