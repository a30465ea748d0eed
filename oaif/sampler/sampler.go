// Package sampler draws completions from the policy with the decode engine of package torch.
//
// Flowing in are prompts with token ids; flowing out are completions with exactly the sampled ids,
// their log-probs at temperature 1 and their text. The package knows no annotator, no loss and no
// tokenizer but a Decoder of ids. Errors are returned; a cancelled context ends sampling between
// two decode steps.
package sampler

import (
	"context"
	"fmt"
	"slices"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
)

// Decoder turns sampled ids into text.
type Decoder interface {
	Decode(ids []int32, keepSpecial bool) (string, error)
}

// Options says how completions are drawn.
type Options struct {
	Temperature  float64 // 0: greedy
	TopK         int     // 0: off
	TopP         float64 // 1: off
	MinNewTokens int     // so many tokens at least come before an end token
	MaxNewTokens int     // every completion ends after this many tokens
	Samples      int     // how many completions Sample draws of each prompt; 0: two
	EOS          []int32 // ids that end a completion
	Seed         uint64
	// Record keeps the activations of each call of Sample for the step that trains on its tokens.
	Record bool
}

// slots is how many sequences are decoded at once: enough for the matrix products to run at full
// rate, few enough for the KV cache to stay small beside the weights.
const slots = 64

// Sampler draws from a model as it is at the time of each call. Not for concurrent use.
type Sampler struct {
	model    *model.Model
	text     Decoder
	opt      Options
	room     *torch.Recording // kept from round to round, nil until the first is recorded
	recorded *model.Recorded
}

// New returns a sampler for m; text decodes completions.
func New(m *model.Model, text Decoder, opt Options) *Sampler {
	return &Sampler{model: m, text: text, opt: opt}
}

// Request asks for one completion: of a prompt, as response number Response (0 is a, 1 is b).
type Request struct {
	Prompt   *oaif.Prompt
	Response int
}

// Sample implements oaif.Sampler. It draws responses 0 and 1 of every prompt, 2 and 3 where it
// occurs a second time, and so on; with Options.Samples so many each time. step keys the noise, so
// a step can be drawn again.
func (s *Sampler) Sample(
	ctx context.Context, step int, prompts []*oaif.Prompt, ended func([]oaif.Group),
) ([]oaif.Group, error) {
	g := newGroups(prompts, max(2, s.opt.Samples), ended)
	reqs := g.requests()
	s.recorded = nil
	_, err := s.generate(ctx, step, reqs, s.opt.Record && len(reqs) <= slots, g.add)
	if err != nil {
		return nil, err
	}
	return g.all, nil
}

// Generate returns one completion per request, in order. What is drawn for a request depends on the
// seed, step, prompt index and response number, not on the requests beside it.
func (s *Sampler) Generate(
	ctx context.Context, step int, reqs []Request,
) ([]oaif.Completion, error) {
	return s.generate(ctx, step, reqs, false, nil)
}

// Recorded returns the activations of the last call of Sample, whose sequences are the completions,
// group after group. It is nil when they were not kept: without Options.Record, or when they did
// not fit into the decoder at once.
func (s *Sampler) Recorded() *model.Recorded { return s.recorded }

// Close frees the memory for activations.
func (s *Sampler) Close() error {
	if s.room == nil {
		return nil
	}
	room := s.room
	s.room, s.recorded = nil, nil
	return s.model.Device().Do(room.Close)
}

// generate tells ended, unless it is nil, which requests each unit of work has ended, and what all
// that have ended came to.
func (s *Sampler) generate(
	ctx context.Context, step int, reqs []Request, record bool,
	ended func(which []int, out []oaif.Completion),
) ([]oaif.Completion, error) {
	longest, err := s.check(reqs)
	if err != nil || len(reqs) == 0 {
		return nil, err
	}
	r := &round{s: s, step: step, reqs: reqs, out: make([]oaif.Completion, len(reqs)),
		at: map[int64]int{}}
	dev := s.model.Device()
	err = dev.Do(func() {
		r.dec = torch.NewDecoder(s.model.Model, min(slots, len(reqs)), longest+s.opt.MaxNewTokens,
			s.sampling())
		if record {
			r.startRecording()
		} else if s.room != nil {
			s.recorded = nil
			s.room.Release() // an evaluation, which needs the memory
		}
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = dev.Do(r.dec.Close) }() // Close cannot fail
	for !r.finished() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := dev.Do(r.turn); err != nil {
			return nil, err
		}
		if err := s.decode(r.ended, r.out); err != nil {
			return nil, err
		}
		if ended != nil {
			ended(r.ended, r.out)
		}
	}
	if record {
		if err := dev.Do(func() { s.recorded = r.endRecording() }); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// check refuses prompts that cannot be sampled and returns the longest one's tokens.
func (s *Sampler) check(reqs []Request) (longest int, err error) {
	room := s.model.Config.Context - s.opt.MaxNewTokens
	for _, q := range reqs {
		n := len(q.Prompt.IDs)
		what := fmt.Sprintf("prompt %d", q.Prompt.Index+1)
		if err := s.model.CheckIDs(what, q.Prompt.IDs); err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, oaif.DataError(what + ": no tokens")
		}
		if n > room {
			return 0, oaif.DataError(
				fmt.Sprintf("%s: %d tokens and %d new ones exceed the model's context of %d",
					what, n, s.opt.MaxNewTokens, s.model.Config.Context))
		}
		longest = max(longest, n)
	}
	return longest, nil
}

func (s *Sampler) sampling() torch.Sampling {
	eos := make([]int64, len(s.opt.EOS))
	for i, id := range s.opt.EOS {
		eos[i] = int64(id)
	}
	return torch.Sampling{
		Temperature: float32(s.opt.Temperature), TopK: s.opt.TopK, TopP: float32(s.opt.TopP),
		MinNew: s.opt.MinNewTokens, MaxNew: s.opt.MaxNewTokens, EndTokens: eos,
	}
}

// decode gives the completions that have ended their texts.
func (s *Sampler) decode(ended []int, out []oaif.Completion) error {
	for _, i := range ended {
		text, err := s.text.Decode(out[i].IDs, false)
		if err != nil {
			return err
		}
		out[i].Text = text
	}
	return nil
}

func (s *Sampler) completion(ids []int64, logprobs []float32) oaif.Completion {
	c := oaif.Completion{IDs: make([]int32, len(ids)), Logprobs: logprobs,
		Finish: oaif.FinishLength}
	for i, id := range ids {
		c.IDs[i] = int32(id)
	}
	if slices.Contains(s.opt.EOS, c.IDs[len(c.IDs)-1]) {
		c.Finish = oaif.FinishEOS
	}
	return c
}

// NoiseKey derives the 64-bit key of one completion's Gumbel noise by chained SplitMix64 steps.
func NoiseKey(seed uint64, step, promptIndex, response int) uint64 {
	k := seed
	for _, v := range []int{step, promptIndex, response} {
		k = splitMix(k ^ splitMix(uint64(v)+0x632be59bd9b4e019))
	}
	return k
}

func splitMix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
