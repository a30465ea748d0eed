package eval

import (
	"context"
	"encoding/json"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/sampler"
)

// noiseStep keys the sampling noise of evaluation. Training steps count from 1, so no training
// noise is reused, and every model that is evaluated meets the same noise.
const noiseStep = 0

// klChunk bounds the sequences of one exact-KL pass, a unit of device work.
const klChunk = 16

// Answers samples one answer to each prompt for evaluation.
func Answers(
	ctx context.Context, s *sampler.Sampler, prompts []*oaif.Prompt,
) ([]oaif.Completion, error) {
	reqs := make([]sampler.Request, len(prompts))
	for i, p := range prompts {
		reqs[i] = sampler.Request{Prompt: p}
	}
	return s.Generate(ctx, noiseStep, reqs)
}

// Judge is a named annotator that compares the policy's answer (a) with the baseline's (b).
type Judge struct {
	Name string
	oaif.Annotator
}

// Item is one prompt's line in eval/step-N.jsonl.
type Item struct {
	Index       int                        `json:"index"`
	Prompt      string                     `json:"prompt"`
	Answer      string                     `json:"answer"`
	Baseline    string                     `json:"baseline"`
	AnswerIDs   []int32                    `json:"answer_ids"`
	BaselineIDs []int32                    `json:"baseline_ids"`
	Finish      oaif.Finish                `json:"finish"`
	KL          float64                    `json:"kl_nats"`
	Judges      map[string]oaif.Preference `json:"judges"`
}

// Result is an evaluation: its items and what they sum up to.
type Result struct {
	Items  []Item
	Record Record
}

// Record is an evaluation's line in metrics.jsonl, under "eval".
type Record struct {
	Judges             []Summary `json:"judges"`
	KL                 float64   `json:"kl_nats"`      // mean per answer, exact over the vocabulary
	Entropy            float64   `json:"entropy_nats"` // mean per token
	MeanTokens         float64   `json:"mean_tokens"`
	BaselineMeanTokens float64   `json:"baseline_mean_tokens"`
	Distinct2          float64   `json:"distinct2"`
	BaselineDistinct2  float64   `json:"baseline_distinct2"`
	EOSRate            float64   `json:"eos_rate"`
	TruncationRate     float64   `json:"truncation_rate"`
}

// Compare judges the policy's answers against the baseline's, prompt by prompt.
func Compare(
	ctx context.Context, prompts []*oaif.Prompt, policy, baseline []oaif.Completion, judges []Judge,
) (Result, error) {
	r := Result{Items: make([]Item, len(prompts))}
	qs := Questions(prompts, policy, baseline)
	for i, p := range prompts {
		r.Items[i] = Item{
			Index: p.Index, Prompt: p.Text, Answer: policy[i].Text, Baseline: baseline[i].Text,
			AnswerIDs: policy[i].IDs, BaselineIDs: baseline[i].IDs, Finish: policy[i].Finish,
			Judges: map[string]oaif.Preference{},
		}
	}
	for _, j := range judges {
		prefs, err := j.Annotate(ctx, qs)
		if err != nil {
			return Result{}, err
		}
		for i, p := range prefs {
			r.Items[i].Judges[j.Name] = p
		}
		r.Record.Judges = append(r.Record.Judges, Summarize(j.Name, Count(prefs)))
	}
	lengths, base := MeasureLengths(policy), MeasureLengths(baseline)
	r.Record.MeanTokens, r.Record.BaselineMeanTokens = lengths.MeanTokens, base.MeanTokens
	r.Record.EOSRate, r.Record.TruncationRate = lengths.EOSRate, lengths.TruncationRate
	r.Record.Distinct2, r.Record.BaselineDistinct2 = Distinct2(IDs(policy)),
		Distinct2(IDs(baseline))
	return r, nil
}

// Questions pairs the answers up as a judge sees them: a is the policy's.
func Questions(prompts []*oaif.Prompt, policy, baseline []oaif.Completion) []oaif.Question {
	qs := make([]oaif.Question, len(prompts))
	for i, p := range prompts {
		qs[i] = oaif.Question{Fields: p.Fields, A: policy[i].Text, B: baseline[i].Text}
	}
	return qs
}

// MeasureKL fills in the exact KL divergence of the policy from the reference over its own answers,
// and the policy's entropy.
func (r *Result) MeasureKL(
	ctx context.Context, policy, ref *model.Model, prompts []*oaif.Prompt,
) error {
	var total, entropy float64
	tokens := 0
	for at := 0; at < len(prompts); at += klChunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(at+klChunk, len(prompts))
		seqs := make([]model.Sequence, 0, klChunk)
		for i := at; i < end; i++ {
			seqs = append(seqs,
				model.Sequence{Prompt: prompts[i].IDs, Completion: r.Items[i].AnswerIDs})
		}
		err := policy.Device().Do(func() {
			kl, ent := policy.KL(ref, seqs)
			for i := range kl {
				r.Items[at+i].KL = sum(kl[i])
				total += r.Items[at+i].KL
				entropy += sum(ent[i])
				tokens += len(ent[i])
			}
		})
		if err != nil {
			return err
		}
	}
	r.Record.KL = total / float64(max(1, len(prompts)))
	r.Record.Entropy = entropy / float64(max(1, tokens))
	return nil
}

// Lines returns the items as JSON Lines.
func (r *Result) Lines() ([]byte, error) {
	var out []byte
	for _, it := range r.Items {
		line, err := json.Marshal(it)
		if err != nil {
			return nil, err
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

func sum(x []float32) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v)
	}
	return s
}
