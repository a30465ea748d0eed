package remote

import (
	"context"
	"fmt"
	"math"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/oaif/oaif/oaif/annotator"
)

// topTokens is how many next tokens are asked for: the most that the API gives.
const topTokens = 20

// LM answers an annotator's questions from an endpoint. Safe for concurrent use.
type LM struct {
	client *Client
	// echo: candidates are scored as given texts, one request each; else they are looked for among
	// the likeliest next tokens. Scored texts are exact, but few endpoints do it.
	echo bool
}

// NewLM returns an LM that asks through c. exact: candidates are scored as given texts.
func NewLM(c *Client, exact bool) *LM { return &LM{c, exact} }

// Digest names the model by what the endpoint calls it: its weights cannot be seen.
func (l *LM) Digest() string { return "remote " + l.client.end.Model }

// NextLogprobs implements annotator.LM. Where only one of the candidates is among the likeliest
// tokens, the others get the log-prob of the least likely of those: theirs is at most that.
func (l *LM) NextLogprobs(
	ctx context.Context, prompts []annotator.Prompt, candidates []string,
) ([]annotator.Next, error) {
	out := make([]annotator.Next, len(prompts))
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range prompts {
		group.Go(func() error {
			next, f, err := l.next(ctx, p, candidates)
			if f != nil {
				next = annotator.Next{Reason: l.client.hide(f.text)}
			}
			out[i] = next
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (l *LM) next(
	ctx context.Context, p annotator.Prompt, candidates []string,
) (next annotator.Next, f *failure, err error) {
	if l.echo {
		return l.scored(ctx, p, candidates)
	}
	read := func(top []ranked, f *failure) *failure {
		if f == nil {
			next, f = pick(top, candidates)
		}
		return f
	}
	if p.Chat {
		body := &chatRequest{Model: l.client.end.Model, Messages: turns(p), MaxTokens: 1,
			Logprobs: true, TopLogprobs: topTokens}
		f, err = l.client.ask(ctx, "/chat/completions", body, func(answer []byte) *failure {
			return read(new(chatAnswer).top(answer))
		})
		return next, f, err
	}
	body := &textRequest{Model: l.client.end.Model, Prompt: p.Text, MaxTokens: 1,
		Logprobs: topTokens}
	f, err = l.client.ask(ctx, "/completions", body, func(answer []byte) *failure {
		return read(new(textAnswer).top(answer))
	})
	return next, f, err
}

func turns(p annotator.Prompt) []turn {
	user := turn{"user", p.Text}
	if p.System == "" {
		return []turn{user}
	}
	return []turn{{"system", p.System}, user}
}

// scored asks for the log-prob of each candidate as the prompt's last tokens.
func (l *LM) scored(
	ctx context.Context, p annotator.Prompt, candidates []string,
) (next annotator.Next, f *failure, err error) {
	for _, candidate := range candidates {
		body := &textRequest{Model: l.client.end.Model, Prompt: p.Text + candidate, MaxTokens: 1,
			Logprobs: 1, Echo: true}
		var lp float64
		f, err = l.client.ask(ctx, "/completions", body, func(answer []byte) (f *failure) {
			lp, f = new(textAnswer).echoed(answer, candidate)
			return f
		})
		if f != nil || err != nil {
			return next, f, err
		}
		next.Logprobs = append(next.Logprobs, lp)
	}
	return next, nil, nil
}

// pick finds the candidates among the ranked tokens. A token is a candidate's whatever spaces are
// around it: their probabilities add up.
func pick(top []ranked, candidates []string) (annotator.Next, *failure) {
	found := make([]float64, len(candidates))
	for i := range found {
		found[i] = math.Inf(-1)
	}
	least, any := math.Inf(1), false
	for _, t := range top {
		if t.Logprob == nil || math.IsNaN(*t.Logprob) {
			return annotator.Next{}, brokenf("the log-prob of token %q is not a number", t.Token)
		}
		least = min(least, *t.Logprob)
		for i, c := range candidates {
			if strings.TrimSpace(t.Token) == strings.TrimSpace(c) {
				found[i] = logSum(found[i], *t.Logprob)
				any = true
			}
		}
	}
	if !any {
		return annotator.Next{}, &failure{broken: true, final: true, text: fmt.Sprintf(
			"none of %q is among the %d likeliest next tokens", candidates, len(top))}
	}
	next := annotator.Next{Logprobs: found}
	for i := range found {
		if math.IsInf(found[i], -1) {
			found[i], next.Bounded = least, true
		}
	}
	return next, nil
}

// logSum is log(exp(a) + exp(b)).
func logSum(a, b float64) float64 {
	if math.IsInf(a, -1) {
		return b
	}
	return max(a, b) + math.Log1p(math.Exp(-math.Abs(a-b)))
}
