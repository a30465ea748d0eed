package trainer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/lexicon"
	"github.com/oaif/oaif/oaif/loss"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/torch"
)

// Observer sees a run as it goes. Its methods are called from the goroutine that called Run.
type Observer interface {
	Stage(text string)                       // longer work begins
	Step(m Metrics, seconds float64)         // a training step is done
	Eval(step int, r eval.Record, full bool) // an evaluation is done: on all prompts, or a live one
	Warn(text string)                        // something that the user should know, in plain words
}

// Optimizer updates a model's masters from its gradients. Device goroutine only.
type Optimizer interface {
	// Step takes one step at rate lr with the gradients times scale; t counts steps from 1.
	Step(lr, scale float64, t int)
	// State returns all of the optimizer's tensors, always in the same order; they share its
	// memory.
	State(s *torch.Scope) []*torch.Tensor
	Close()
}

// Trainer is a run that has been set up.
type Trainer struct {
	cfg       *config.Config
	observer  Observer
	dev       *torch.Device
	files     *files
	policy    *model.Model
	reference *model.Model // frozen
	own       *judge.Asked // what the annotator asks on the device; nil when it is elsewhere
	vocab     *vocab.Vocab
	sampler   oaif.Sampler
	answers   *sampler.Sampler // for evaluation
	asked     oaif.Annotator   // the annotator without its journal, for evaluation
	annotator oaif.Annotator   // verdicts are stored before they are returned
	vader     *lexicon.Vader
	loss      loss.Loss
	optimizer Optimizer
	order     order
	heldout   []*oaif.Prompt
	baseline  []oaif.Completion // the starting model's answers to heldout
	journal   *annotator.Journal
	ai        *judge.Judge // what annotator and asked ask
	run       *checkpoint.Run
	state     state
	beside    bool   // the annotator leaves the device alone: it is asked while that works
	ahead     *ahead // the next step's answers; nil when they were not sampled ahead
	sampledAt int    // state.Updates of the weights that sampled the step's answers
	saved     int    // step of the newest checkpoint that can be used, 0 for none
}

// New loads everything that cfg names and opens the run folder; with resume it goes on from the
// newest checkpoint of the run that must be there (see checkpoint.Begun). It changes cfg's device,
// dtype and threads to what they resolved to. ctx ends the wait for an endpoint's first answer.
// Close the trainer.
func New(
	ctx context.Context, cfg *config.Config, resume bool, o Observer,
) (t *Trainer, err error) {
	t = &Trainer{cfg: cfg, observer: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
			t = nil
		}
	}()
	if resume {
		if err := adoptResolved(cfg); err != nil {
			return t, err
		}
	}
	o.Stage("reading the models")
	if t.files, err = openFiles(cfg); err != nil {
		return t, err
	}
	if err = checkPairing(cfg, t.files.spec); err != nil {
		return t, err
	}
	t.vocab = t.files.policyVocab
	if t.loss, err = loss.ByKind(cfg.Loss.Kind); err != nil {
		return t, oaif.UsageError(err.Error())
	}
	if err := t.loadPrompts(); err != nil {
		return t, err
	}
	if err := t.loadModels(); err != nil {
		return t, err
	}
	if err := t.openJudge(ctx); err != nil { // before there is a run folder
		return t, err
	}
	if err := t.openRun(resume); err != nil {
		return t, err
	}
	if t.journal, err = annotator.OpenJournal(t.run.Path("verdicts.jsonl")); err != nil {
		return t, err
	}
	t.annotator = annotator.Journaled(t.asked, t.ai.ID, t.journal)
	t.beside = t.ai.Elsewhere()
	// All is loaded: the mapped files and the buffers of their conversion are needed no more.
	err = t.files.close()
	debug.FreeOSMemory()
	return t, err
}

func (t *Trainer) loadPrompts() error {
	f, err := PromptFormat(t.cfg, t.files.policy.Config().Context, t.files.spec)
	if err != nil {
		return err
	}
	train, err := prompts.Load(t.cfg.Data.Train, f, t.vocab)
	if err != nil {
		return err
	}
	t.order = order{prompts: train, seed: t.cfg.Train.Seed}
	t.heldout, err = prompts.Load(t.cfg.Data.Heldout, f, t.vocab)
	if n := t.cfg.Eval.Prompts; err == nil && n > 0 && n < len(t.heldout) {
		t.heldout = t.heldout[:n]
	}
	return err
}

// PromptFormat says how records become prompts of a policy with a context of that many tokens, and
// which records are refused: those that leave no room for an answer, and those without a field that
// spec's templates show. spec may be nil, which refuses none of the latter.
func PromptFormat(
	cfg *config.Config, context int, spec *annotator.Spec,
) (f prompts.Format, err error) {
	room := context - cfg.Sampler.MaxNewTokens
	if room < 1 {
		return f, oaif.UsageError(fmt.Sprintf(
			"sampler.max_new_tokens: %d leave no room for a prompt in the context of %d of %s",
			cfg.Sampler.MaxNewTokens, context, cfg.Model.Path))
	}
	f = prompts.Format{Template: cfg.Data.Template, Chat: cfg.Data.Chat, MaxTokens: room}
	if spec != nil {
		f.Check = spec.CheckFields
	}
	return f, nil
}

func (t *Trainer) loadModels() error {
	m := &t.cfg.Model
	var err error
	if t.dev, err = torch.OpenDevice(m.Device, t.cfg.Train.Threads); err != nil {
		return oaif.UsageError(err.Error())
	}
	m.Device = t.dev.String()
	if t.cfg.Train.Threads == 0 {
		t.cfg.Train.Threads = runtime.NumCPU()
	}
	dtype, err := Precision(t.dev, m.DType)
	if err != nil {
		return err
	}
	m.DType = dtype.String()
	if t.policy, err = model.Load(t.dev, t.files.policy, dtype, true); err != nil {
		return err
	}
	if t.reference, err = model.Load(t.dev, t.files.reference, dtype, false); err != nil {
		return err
	}
	if err := t.loadJudge(dtype); err != nil {
		return err
	}
	o := t.cfg.Optimizer
	err = t.dev.Do(func() {
		t.optimizer = torch.NewAdamW(t.policy.Model, o.Betas[0], o.Betas[1], o.Eps, o.WeightDecay)
		t.policy.Commit(true)
	})
	s := t.cfg.Sampler
	t.answers = sampler.New(t.policy, t.vocab, sampler.Options{
		Temperature: s.Temperature, TopK: s.TopK, TopP: s.TopP, MinNewTokens: s.MinNewTokens,
		MaxNewTokens: s.MaxNewTokens, EOS: t.vocab.EOS, Seed: uint64(t.cfg.Train.Seed),
		// The activations of weights that are an update old are of no use.
		Samples: s.Samples, Record: !t.cfg.Train.Recompute && !t.cfg.Train.Async,
	})
	t.sampler = t.answers
	return err
}

// Precision resolves a config's dtype: "auto" is bfloat16 where the device computes in it, else
// float32.
func Precision(dev *torch.Device, dtype string) (torch.DType, error) {
	switch dtype {
	case "float32":
		return torch.Float32, nil
	case "bfloat16":
		return torch.BFloat16, nil
	case "auto":
		out := torch.Float32
		err := dev.Do(func() {
			if dev.HasBF16() {
				out = torch.BFloat16
			}
		})
		return out, err
	}
	return 0, oaif.UsageError(fmt.Sprintf("dtype %q is none of auto, float32, bfloat16", dtype))
}

// loadJudge puts what the annotator asks on the device, unless it is the reference.
func (t *Trainer) loadJudge(dtype torch.DType) (err error) {
	f := t.files
	switch {
	case !f.spec.OnDevice():
	case f.judge != nil:
		t.own, err = judge.Load(t.dev, f.judge, f.judgeVocab, dtype)
	default:
		t.own, err = judge.Share(t.reference, f.judgeVocab, f.reference)
	}
	return err
}

func (t *Trainer) openJudge(ctx context.Context) (err error) {
	a := t.cfg.Annotator
	t.ai, err = judge.New(ctx, t.files.spec, t.own,
		judge.Options{Cache: a.Cache, CacheOnly: a.CacheOnly})
	if err != nil {
		return err
	}
	t.asked = t.ai
	t.vader = lexicon.NewVader()
	return nil
}

// Close frees everything. It may be called on a trainer that was only half set up.
func (t *Trainer) Close() error {
	var errs []error
	if t.journal != nil {
		errs = append(errs, t.journal.Close())
	}
	errs = append(errs, t.ai.Close())
	if t.run != nil {
		errs = append(errs, t.run.Close())
	}
	if t.answers != nil {
		errs = append(errs, t.answers.Close())
	}
	if t.dev != nil {
		errs = append(errs, t.dev.Do(t.free))
		t.dev.Close()
	}
	if t.files != nil {
		errs = append(errs, t.files.close())
	}
	return errors.Join(errs...)
}

func (t *Trainer) free() {
	if t.optimizer != nil {
		t.optimizer.Close()
	}
	t.own.Close()
	for _, m := range []*model.Model{t.policy, t.reference} {
		if m != nil {
			m.Close()
		}
	}
}
