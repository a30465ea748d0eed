package main

import (
	"context"
	"errors"
	"slices"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/lexicon"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/torch"
)

// comparison is one run of eval: model a against baseline b.
type comparison struct {
	opt                sampler.Options
	spec               *annotator.Spec
	a, b               *modelFile
	open               func(*judge.Asked) (*judge.Judge, error)
	promptsA, promptsB []*oaif.Prompt // the same prompts in each model's tokens

	answersA, answersB []oaif.Completion
	result             eval.Result
	checks             eval.Checks
}

// on returns the function that does the work on a device, with the models in memory.
func (r *comparison) on(ctx context.Context) func(*torch.Device, torch.DType) error {
	return func(dev *torch.Device, dtype torch.DType) error {
		return r.a.load(dev, dtype, func(a *model.Model) error {
			return r.b.load(dev, dtype, func(b *model.Model) error {
				switch {
				case !r.spec.OnDevice():
					return r.compare(ctx, a, b, nil)
				case r.spec.Model == "":
					asked, err := judge.Share(b, r.b.vocab, r.b.file)
					if err != nil {
						return err
					}
					return r.compare(ctx, a, b, asked)
				}
				return withOwnModel(r.spec, func(own *modelFile) error {
					return own.ask(dev, dtype, func(asked *judge.Asked) error {
						return r.compare(ctx, a, b, asked)
					})
				})
			})
		})
	}
}

// compare answers, judges and measures. asked is nil where the annotator asks no model on the
// device.
func (r *comparison) compare(
	ctx context.Context, a, b *model.Model, asked *judge.Asked,
) (err error) {
	ai, err := r.open(asked)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ai.Close()) }()
	judges := []eval.Judge{
		{Name: "annotator", Annotator: ai}, {Name: "vader", Annotator: lexicon.NewVader()},
	}
	if r.answersA, err = r.answers(ctx, a, r.a, r.promptsA); err != nil {
		return err
	}
	if r.answersB, err = r.answers(ctx, b, r.b, r.promptsB); err != nil {
		return err
	}
	if r.result, err = eval.Compare(ctx, r.promptsA, r.answersA, r.answersB, judges); err != nil {
		return err
	}
	if r.sameTokens() {
		if err := r.result.MeasureKL(ctx, a, b, r.promptsA); err != nil {
			return err
		}
	}
	r.checks, err = eval.Check(lexicon.NewVader(), r.promptsA, r.answersA, r.answersB)
	return err
}

func (r *comparison) answers(
	ctx context.Context, m *model.Model, file *modelFile, prompts []*oaif.Prompt,
) ([]oaif.Completion, error) {
	opt := r.opt
	opt.EOS = file.vocab.EOS
	return eval.Answers(ctx, sampler.New(m, file.vocab, opt), prompts)
}

// sameTokens reports whether the models speak of the same tokens, as far as the prompts show; only
// then is there a divergence between their distributions.
func (r *comparison) sameTokens() bool {
	if r.a.config.Vocab != r.b.config.Vocab {
		return false
	}
	return slices.EqualFunc(r.promptsA, r.promptsB, func(x, y *oaif.Prompt) bool {
		return slices.Equal(x.IDs, y.IDs)
	})
}

// kl is the divergence that was measured, nil where there is none.
func (r *comparison) kl() *float64 {
	if !r.sameTokens() {
		return nil
	}
	return &r.result.Record.KL
}

// comparisonSummary is summary.json of eval: a run folder's keys as far as they apply.
type comparisonSummary struct {
	Model    string           `json:"model"`
	Baseline string           `json:"baseline"`
	KL       *float64         `json:"kl_nats"` // null when the models have different tokens
	Evals    []comparisonEval `json:"evals"`
	Checks   eval.Checks      `json:"checks"`
}

type comparisonEval struct {
	eval.Summary
	MeanTokens         float64 `json:"mean_tokens"`
	BaselineMeanTokens float64 `json:"baseline_mean_tokens"`
}

func (r *comparison) summary() comparisonSummary {
	s := comparisonSummary{
		Model: r.a.file.Path(), Baseline: r.b.file.Path(), KL: r.kl(), Checks: r.checks,
	}
	for _, j := range r.result.Record.Judges {
		s.Evals = append(s.Evals, comparisonEval{
			j, r.result.Record.MeanTokens, r.result.Record.BaselineMeanTokens,
		})
	}
	return s
}
