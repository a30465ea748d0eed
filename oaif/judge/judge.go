// Package judge makes an annotator of what its TOML file says, whatever its kind.
//
// A Spec flows in, with a loaded model where the kind asks one on the device; a Judge flows out,
// ready to be asked, with the name that its verdicts are stored under and the count of what it
// cost. It is the one place that knows every kind of annotator. It knows no prompts, no run folder
// and no losses.
package judge

import (
	"context"
	"errors"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/command"
	"github.com/oaif/oaif/oaif/lexicon"
	"github.com/oaif/oaif/oaif/remote"
)

// Options are of the command that asks, not of the annotator.
type Options struct {
	// Cache is the file that an endpoint's answers are kept in; "": none.
	Cache string
	// CacheOnly says that every answer must be in Cache, and that nothing is sent.
	CacheOnly bool
}

// Judge is an annotator with what belongs to it. Safe for concurrent use.
type Judge struct {
	oaif.Annotator
	// ID names what decides its verdicts, for annotator.Journaled.
	ID string

	digest  func() string
	meter   *meter             // nil: no language model
	remote  *remote.LM         // nil: no endpoint
	program *command.Annotator // nil: no program
}

// New returns the annotator that spec describes. asked is the model that is asked where
// spec.OnDevice, and must stay open; else it is not looked at. An endpoint is asked one short
// question, so that one that cannot do what spec asks for is refused here: with oaif.ErrUsage, or
// oaif.ErrUnavailable when it does not answer. Close must be called.
func New(ctx context.Context, spec *annotator.Spec, asked *Asked, o Options) (*Judge, error) {
	j := &Judge{}
	err := j.open(ctx, spec, asked, o)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	j.ID, err = spec.ID(j.digest())
	return j, err
}

func (j *Judge) open(
	ctx context.Context, spec *annotator.Spec, asked *Asked, o Options,
) (err error) {
	switch {
	case spec.Remote != nil:
		return j.askEndpoint(ctx, spec, o)
	case spec.Kind == annotator.Command:
		if j.program, err = command.New(spec); err != nil {
			return err
		}
		j.Annotator, j.digest = j.program, j.program.Digest
		return nil
	case spec.Kind == annotator.Lexicon:
		return j.askScorer(spec, lexicon.NewScorer())
	case spec.Kind == annotator.Rule:
		rule, err := annotator.NewRule(spec)
		if err != nil {
			return err
		}
		return j.askScorer(spec, rule)
	case asked == nil:
		return errors.New("judge: no model to ask")
	case asked.reward != nil:
		return j.askScorer(spec, annotator.LocalScorer(asked.reward))
	}
	j.meter = &meter{LM: annotator.Local(asked.language)}
	j.digest = j.meter.Digest
	j.Annotator, err = annotator.New(spec, j.meter)
	return err
}

func (j *Judge) askScorer(spec *annotator.Spec, s annotator.Scorer) (err error) {
	j.digest = s.Digest
	j.Annotator, err = annotator.NewScored(spec, s)
	return err
}

func (j *Judge) askEndpoint(ctx context.Context, spec *annotator.Spec, o Options) (err error) {
	if j.remote, err = remote.Open(spec, o.Cache, o.CacheOnly); err != nil {
		return err
	}
	if err := j.remote.Probe(ctx, spec); err != nil {
		return err
	}
	j.meter = &meter{LM: j.remote, writer: j.remote}
	j.digest = j.meter.Digest
	if spec.Remote.Answers == annotator.AnswerText {
		j.Annotator, err = annotator.NewWritten(spec, j.meter)
		return err
	}
	j.Annotator, err = annotator.New(spec, j.meter)
	return err
}

// Elsewhere reports whether it computes on other hardware than the policy, so that the device has
// something else to do in the meantime.
func (j *Judge) Elsewhere() bool { return j.remote != nil || j.program != nil }

// Prompts returns how many prompts were put to a language model.
func (j *Judge) Prompts() int64 {
	if j.meter == nil {
		return 0
	}
	return j.meter.prompts.Load()
}

// Usage returns what an endpoint was asked for; nil where there is none.
func (j *Judge) Usage() *annotator.Usage {
	if j.remote == nil {
		return nil
	}
	used := j.remote.Usage()
	return &used
}

// Close ends its connections, its cache and its program.
func (j *Judge) Close() error {
	if j == nil {
		return nil
	}
	var errs []error
	if j.remote != nil {
		errs = append(errs, j.remote.Close())
	}
	if j.program != nil {
		errs = append(errs, j.program.Close())
	}
	return errors.Join(errs...)
}
