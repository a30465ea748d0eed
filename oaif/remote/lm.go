package remote

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/oaif/oaif/oaif/annotator"
)

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

// Plain implements annotator.LM. What the endpoint takes for control tokens is not known here.
func (l *LM) Plain(text string) string { return text }

// NextLogprobs implements annotator.LM. Where only one of the candidates is among the likeliest
// tokens, the others get the log-prob of the least likely of those: theirs is at most that.
func (l *LM) NextLogprobs(
	ctx context.Context, prompts []annotator.Prompt, candidates []string,
) ([]annotator.Next, error) {
	out := make([]annotator.Next, len(prompts))
	err := each(ctx, prompts, func(ctx context.Context, i int, p annotator.Prompt) error {
		next, f, err := l.next(ctx, p, candidates)
		if f != nil {
			next = annotator.Next{Reason: f.text}
		}
		out[i] = next
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Write implements annotator.Writer.
func (l *LM) Write(
	ctx context.Context, prompts []annotator.Prompt, maxTokens int,
) ([]annotator.Said, error) {
	out := make([]annotator.Said, len(prompts))
	err := each(ctx, prompts, func(ctx context.Context, i int, p annotator.Prompt) error {
		said, f, err := l.write(ctx, p, maxTokens)
		if f != nil {
			said = annotator.Said{Reason: f.text}
		}
		out[i] = said
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// each asks about all items at once; the gate says how many requests are on their way. The first
// error ends the others.
func each[T any](
	ctx context.Context, items []T, ask func(ctx context.Context, i int, item T) error,
) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, item := range items {
		group.Go(func() error { return ask(ctx, i, item) })
	}
	return group.Wait()
}

func (l *LM) next(
	ctx context.Context, p annotator.Prompt, candidates []string,
) (next annotator.Next, f *failure, err error) {
	if l.echo {
		return l.scored(ctx, p, candidates)
	}
	f, err = l.client.ask(ctx, ranking(l.client.end.Model, p), func(answer []byte) *failure {
		var top []ranked
		var f *failure
		if p.Chat {
			top, f = new(chatAnswer).top(answer)
		} else {
			top, f = new(textAnswer).top(answer)
		}
		if f == nil {
			next, f = pick(top, candidates)
		}
		return f
	})
	return next, f, err
}

// scored asks for the log-prob of each candidate as the prompt's last tokens, of all at once.
func (l *LM) scored(
	ctx context.Context, p annotator.Prompt, candidates []string,
) (next annotator.Next, f *failure, err error) {
	next.Logprobs = make([]float64, len(candidates))
	failures := make([]*failure, len(candidates))
	err = each(ctx, candidates, func(ctx context.Context, i int, candidate string) (err error) {
		failures[i], err = l.client.ask(ctx, scoring(l.client.end.Model, p, candidate),
			func(answer []byte) (f *failure) {
				next.Logprobs[i], f = new(textAnswer).echoed(answer, candidate)
				return f
			})
		return err
	})
	for _, f := range failures {
		if f != nil {
			return annotator.Next{}, f, err
		}
	}
	return next, nil, err
}

func (l *LM) write(
	ctx context.Context, p annotator.Prompt, maxTokens int,
) (said annotator.Said, f *failure, err error) {
	f, err = l.client.ask(ctx, writing(l.client.end.Model, p, maxTokens),
		func(answer []byte) (f *failure) {
			if p.Chat {
				said.Text, f = new(chatAnswer).content(answer)
			} else {
				said.Text, f = new(textAnswer).content(answer)
			}
			return f
		})
	return said, f, err
}
