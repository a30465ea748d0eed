package trainer

import (
	"strings"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/remote"
)

// Estimate is what a run will ask of its annotator.
type Estimate struct {
	Spec *annotator.Spec
	// Pairs are those of all steps and evaluations that the annotator is asked about.
	Pairs int
	// Usage is what an endpoint will be asked for, about, if every answer is as long as allowed;
	// zero without one.
	Usage annotator.Usage
}

// bytesPerToken is how long a token's text is taken to be.
const bytesPerToken = 4

// EstimateRun reads what cfg names but for weights, and so finds most of what is wrong with it.
// Nothing is asked and nothing is written.
func EstimateRun(cfg *config.Config) (e Estimate, err error) {
	t := &Trainer{cfg: cfg}
	if t.files, err = openFiles(cfg); err != nil {
		return e, err
	}
	defer func() { _ = t.files.close() }() // only read from
	if err := checkPairing(cfg, t.files.spec); err != nil {
		return e, err
	}
	t.vocab = t.files.policyVocab
	if err := t.loadPrompts(); err != nil {
		return e, err
	}
	e.Spec = t.files.spec
	live := 0
	if every := cfg.Eval.Every; every > 0 {
		live = (cfg.Train.Steps - 1) / every
	}
	few := len(t.heldout)
	if n := cfg.Eval.LivePrompts; n > 0 {
		few = min(n, few)
	}
	trained := cfg.Train.Steps * cfg.Train.PromptsPerStep * questionsPerPrompt(cfg)
	for _, part := range []struct {
		prompts []*oaif.Prompt
		pairs   int
	}{
		{t.order.prompts, trained},
		{t.heldout, len(t.heldout)}, // the last; at the first both answers are the same
		{t.heldout[:few], live * few},
	} {
		if err := e.add(part.prompts, part.pairs, cfg.Sampler.MaxNewTokens); err != nil {
			return e, err
		}
	}
	return e, nil
}

// add adds so many pairs of answers to prompts, each prompt as often as the others.
func (e *Estimate) add(from []*oaif.Prompt, pairs, maxNewTokens int) error {
	e.Pairs += pairs
	if e.Spec.Remote == nil || len(from) == 0 {
		return nil
	}
	a := strings.Repeat("a", bytesPerToken*maxNewTokens)
	var all []annotator.Prompt
	for _, p := range from {
		two, err := e.Spec.Prompts(oaif.Question{Fields: p.Fields, A: a, B: a})
		if err != nil {
			return err
		}
		all = append(all, two[:]...)
	}
	once := remote.Estimate(e.Spec, all)
	times := float64(pairs) / float64(len(from))
	e.Usage.Requests += int64(times * float64(once.Requests))
	e.Usage.PromptTokens += int64(times * float64(once.PromptTokens))
	e.Usage.CompletionTokens += int64(times * float64(once.CompletionTokens))
	e.Usage.Cost += times * once.Cost
	return nil
}
