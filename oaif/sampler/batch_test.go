package sampler_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// What is drawn for a prompt does not depend on what is drawn beside it: how far that holds.
//
// Up to fewRows rows, a product of a trainable model sums in one order (kFewRows in
// cbridge/src/product.h), in fp32 and, where the processor computes in it, in bf16; all else is
// computed row by row. Decoding never has more rows, as there are 64 slots. So where every prefill
// has at most fewRows, the bits are the same. Larger prefills sum in another order, and a frozen
// model's products are oneDNN's, whose order depends on the number of rows: log-probs are then off
// by their rounding, about 1e-5 in fp32, and a draw in which two tokens come that close may differ
// (none of 384,000 did with the demo's model). In bf16 it may be one in 20.
const fewRows = 128

// crowd asks for both responses to n prompts of up to longest tokens, half of which begin alike.
func crowd(n, longest int) []sampler.Request {
	rng := rand.New(rand.NewPCG(71, 72))
	var reqs []sampler.Request
	for i := range n {
		p := prompt(i, 1+rng.IntN(longest))
		if i%2 == 0 {
			p.IDs = append(prompt(0, 9).IDs, p.IDs...)
		}
		reqs = append(reqs, sampler.Request{Prompt: p}, sampler.Request{Prompt: p, Response: 1})
	}
	return reqs
}

// rowsOf is how many rows a prefill of the requests has, if they are admitted at once.
func rowsOf(reqs []sampler.Request) int {
	seqs := make([][]int32, len(reqs))
	for i, q := range reqs {
		seqs[i] = q.Prompt.IDs
	}
	return len(model.Pack(seqs).Nodes.IDs)
}

// difference is how what was drawn in company differs from what was drawn alone. Draws count up to
// a completion's first one that differs: those behind it follow another text.
type difference struct {
	draws, other, bits int     // all, other tokens, same tokens with other bits of their log-prob
	gap                float64 // the largest difference of a log-prob
	rows               int     // of the largest prefill, if requests need not wait
}

func (d difference) String() string {
	return fmt.Sprintf("%d of %d draws differ, %d log-probs in their bits, by up to %.2g "+
		"(prefills of up to %d rows)", d.other, d.draws, d.bits, d.gap, d.rows)
}

func (d *difference) add(got, want oaif.Completion) {
	for i := range min(len(got.IDs), len(want.IDs)) {
		d.draws++
		if got.IDs[i] != want.IDs[i] {
			d.other++
			return
		}
		if gap := math.Abs(float64(got.Logprobs[i]) - float64(want.Logprobs[i])); gap != 0 {
			d.bits++
			d.gap = max(d.gap, gap)
		}
	}
}

// company draws the requests alone, and then in calls of each size, in an order of its own.
func company(
	t *testing.T, s *sampler.Sampler, reqs []sampler.Request, sizes []int,
) (d difference) {
	t.Helper()
	var alone []oaif.Completion
	for _, q := range reqs {
		alone = append(alone, generate(t, s, 3, []sampler.Request{q})[0])
	}
	rng := rand.New(rand.NewPCG(73, 74))
	for _, size := range sizes {
		for which := range slices.Chunk(rng.Perm(len(reqs)), size) {
			var part []sampler.Request
			for _, i := range which {
				part = append(part, reqs[i])
			}
			d.rows = max(d.rows, rowsOf(part))
			for k, got := range generate(t, s, 3, part) {
				d.add(got, alone[which[k]])
				if d.other == 0 && len(got.IDs) != len(alone[which[k]].IDs) {
					t.Errorf("%d tokens in calls of %d, %d alone", len(got.IDs), size,
						len(alone[which[k]].IDs))
				}
			}
		}
	}
	return d
}

// everyEnd is sampling in which completions end at all times.
func everyEnd() sampler.Options {
	opt := options()
	opt.EOS, opt.MaxNewTokens = ends(), 12
	return opt
}

// needBits skips a test of bits where they depend on the number of rows, as in CUDA's products.
func needBits(t *testing.T, m *model.Model) {
	t.Helper()
	if m.Device().IsCUDA() {
		t.Skip("CUDA's products of other numbers of rows have other bits")
	}
}

// Where no prefill has more than fewRows rows, the policy's completions are the same, bit for bit:
// among any number of others, in any order, at once or having waited for a slot.
func TestCompanyDoesNotChangeABit(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		t.Run(dtype.String(), func(t *testing.T) {
			m, v := openAs(t, "", dtype, true)
			needBits(t, m)
			var native bool
			torchtest.Do(t, m.Device(), func() { native = m.Device().HasBF16() })
			if dtype == torch.BFloat16 && !native {
				t.Skip("the processor does not compute in bf16")
			}
			reqs := crowd(35, 7)
			if len(reqs) <= slots || rowsOf(reqs) > fewRows || rowsOf(reqs) < 3*fewRows/4 {
				t.Fatalf("%d requests of %d rows", len(reqs), rowsOf(reqs))
			}
			sizes := []int{1, 2, 3, 7, 16, 33, 64, 65, 70}
			d := company(t, sampler.New(m, v, everyEnd()), reqs, sizes)
			t.Log(d)
			if d.other != 0 || d.bits != 0 || d.draws < 3000 {
				t.Error("completions depend on those beside them")
			}
		})
	}
}

// A recording changes nothing either, and a prompt that comes twice in a step draws responses of
// its own the second time.
func TestSampleDrawsWhatGenerateDrawsAlone(t *testing.T) {
	m, v := openAs(t, "", torch.Float32, true)
	needBits(t, m)
	for _, record := range []bool{false, true} {
		opt := everyEnd()
		opt.Record = record
		s := sampler.New(m, v, opt)
		prompts := []*oaif.Prompt{prompt(4, 3), prompt(9, 12), prompt(4, 3), prompt(0, 1),
			prompt(4, 3), prompt(9, 12)}
		groups, err := s.Sample(context.Background(), 6, prompts, nil)
		if err != nil {
			t.Fatal(err)
		}
		if (s.Recorded() != nil) != record {
			t.Errorf("recorded is %v", s.Recorded())
		}
		for i, first := range []int{0, 0, 2, 0, 4, 2} {
			if groups[i].First != first {
				t.Errorf("group %d begins with response %d, want %d", i, groups[i].First, first)
			}
			for k, got := range groups[i].Answers {
				q := sampler.Request{Prompt: prompts[i], Response: first + k}
				want := generate(t, s, 6, []sampler.Request{q})[0]
				if !reflect.DeepEqual(got, want) {
					t.Errorf("group %d: %v, alone %v", i, got, want)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// With more rows, and with frozen models, it is rounding that differs. In bf16, 5 % of the draws
// may.
func TestCompanyChangesRoundingAtMost(t *testing.T) {
	for _, c := range []struct {
		dtype     torch.DType
		trainable bool
		share     float64 // of draws that may differ
		gap       float64 // of log-probs
	}{
		{torch.Float32, true, 1e-3, 1e-4}, {torch.Float32, false, 1e-3, 1e-4},
		{torch.BFloat16, true, .05, .2}, {torch.BFloat16, false, .05, .2},
	} {
		t.Run(fmt.Sprintf("%s trainable %v", c.dtype, c.trainable), func(t *testing.T) {
			m, v := openAs(t, "", c.dtype, c.trainable)
			d := company(t, sampler.New(m, v, everyEnd()), crowd(40, 30), []int{2, 5, 16, 64, 80})
			t.Log(d)
			if float64(d.other) > c.share*float64(d.draws) || d.gap > c.gap || d.rows <= fewRows {
				t.Errorf("%g of the draws and log-probs by %g may differ", c.share, c.gap)
			}
		})
	}
}

// The same with the demo's model, whose numbers are a real one's: a few prompts at once.
func TestDemoModelInCompany(t *testing.T) {
	for _, c := range []struct {
		dtype            torch.DType
		prompts, longest int
		share, gap       float64
	}{
		{torch.Float32, 4, 9, 0, 0}, {torch.Float32, 4, 70, 1e-3, 1e-3},
		{torch.BFloat16, 2, 9, .05, .5}, // a few only: many processors have no such arithmetic
	} {
		t.Run(fmt.Sprintf("%s prompts of up to %d", c.dtype, c.longest), func(t *testing.T) {
			m, v := openAs(t, demoModel, c.dtype, true)
			opt := options()
			opt.MaxNewTokens, opt.EOS = 6, v.EOS
			reqs := crowd(c.prompts, c.longest)
			d := company(t, sampler.New(m, v, opt), reqs, []int{3, len(reqs)})
			t.Log(d)
			if float64(d.other) > c.share*float64(d.draws) || d.gap > c.gap {
				t.Errorf("%g of the draws and log-probs by %g may differ", c.share, c.gap)
			}
			if (d.rows > fewRows) != (c.longest == 70) {
				t.Errorf("prefills of up to %d rows test something else", d.rows)
			}
		})
	}
}
