package model_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// sampleRecorded draws the completions of all prompts in one round and keeps their activations.
// Device goroutine only; close the recording.
func sampleRecorded(m *model.Model) ([]model.Sequence, *model.Recorded) {
	all, keys := prompts()
	how := manner
	how.EndTokens = nil
	for _, id := range manner.EndTokens {
		how.EndTokens = append(how.EndTokens, id%int64(m.Config.Vocab))
	}
	for _, ids := range all {
		for i := range ids {
			ids[i] %= int32(m.Config.Vocab)
		}
	}
	dec := torch.NewDecoder(m.Model, len(all), 32, how)
	defer dec.Close()
	rec := &model.Recorded{Recording: torch.NewRecording(m.Model, 1000)}
	dec.Record(rec.Recording)
	slots := admit(m, dec, all, keys)
	for range manner.MaxNew { // ended sequences leave at different times
		dec.Step(1)
		dec.Compact()
	}
	type place struct{ slot, position int64 }
	where := map[place]int64{}
	slot, position := rec.Recording.Rows()
	for i := range slot {
		where[place{slot[i], position[i]}] = int64(i)
	}
	packed := model.Pack(all)
	drawn := make([]completion, len(all))
	for i, s := range slots {
		drawn[i].ids, drawn[i].logprobs = dec.Release(s)
		var rows []int64
		for _, r := range packed.Rows[i] {
			rows = append(rows, where[place{-1, r}])
		}
		for k := range drawn[i].ids[1:] {
			rows = append(rows, where[place{s, int64(len(all[i]) + k)}])
		}
		rec.Rows = append(rec.Rows, rows)
	}
	seqs := scored(drawn)
	for i := range seqs {
		seqs[i].Prompt = all[i]
	}
	return seqs, rec
}

// Training on the activations of sampling gives the gradient that a new forward pass gives.
func TestRecordedPassIsTheForwardPass(t *testing.T) {
	families, err := filepath.Glob("testdata/families/*/config.json")
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Clone(tiny)
	for _, path := range families {
		names = append(names, filepath.Join("families", filepath.Base(filepath.Dir(path))))
	}
	for _, name := range names {
		for _, c := range []struct {
			dtype torch.DType
			tol   float64
		}{{torch.Float32, 2e-5}, {torch.BFloat16, 0.2}} {
			m := load(t, torchtest.Open(t, 1), "testdata/"+name, c.dtype, true)
			torchtest.Do(t, m.Device(), func() {
				seqs, rec := sampleRecorded(m)
				defer rec.Close()
				some, which := []model.Sequence{seqs[7], seqs[2], seqs[10], seqs[0]},
					[]int{7, 2, 10, 0}
				seed := seedsFor(some)
				want := accumulate(m, some, seed, 1)
				plain := gradients(m)
				m.ZeroGrad()
				p := m.RecordedPass(some, rec, which, false)
				defer p.Close()
				p.Backward(seed)
				for i, s := range p.Score {
					if !allNear(s.Logprobs, want[i].Logprobs, c.tol) ||
						!allNear(s.Entropy, want[i].Entropy, c.tol) {
						t.Errorf("%s, %s: %v, want %v", name, c.dtype, s, want[i])
					}
				}
				for part, got := range gradients(m) {
					for i := range got {
						got[i] -= plain[part][i]
					}
					if off := norm(got) / norm(plain[part]); !(off < c.tol) {
						t.Errorf("%s, %s: %s is off by %g of its norm", name, c.dtype, part, off)
					}
				}
			})
		}
	}
}

// A prompt that is sampled alone has one row in every decode step.
func TestRecordedPassOfOneSequence(t *testing.T) {
	eachFamily(t, func(t *testing.T, dir string, _ family) {
		m := load(t, torchtest.Open(t, 1), dir, torch.Float32, true)
		torchtest.Do(t, m.Device(), func() {
			prompt := []int32{1, 5, 2}
			dec := torch.NewDecoder(m.Model, 1, 16, torch.Sampling{TopP: 1, MaxNew: 6})
			defer dec.Close()
			rec := &model.Recorded{Recording: torch.NewRecording(m.Model, 100)}
			defer rec.Close()
			dec.Record(rec.Recording)
			slot := admit(m, dec, [][]int32{prompt}, []uint64{7})[0]
			dec.Step(6)
			ids, _ := dec.Release(slot)
			seq := model.Sequence{Prompt: prompt}
			for _, id := range ids {
				seq.Completion = append(seq.Completion, int32(id))
			}
			rows := make([]int64, len(prompt)+len(ids)-1)
			for i := range rows {
				rows[i] = int64(i)
			}
			rec.Rows = [][]int64{rows}
			seqs, seed := []model.Sequence{seq}, []float32{1}
			accumulate(m, seqs, seed, 1)
			want := gradients(m)
			m.ZeroGrad()
			p := m.RecordedPass(seqs, rec, []int{0}, false)
			defer p.Close()
			p.Backward(seed)
			for part, got := range gradients(m) {
				for i := range got {
					got[i] -= want[part][i]
				}
				if off := norm(got) / norm(want[part]); !(off < 1e-4) {
					t.Errorf("%s is off by %g of its norm", part, off)
				}
			}
		})
	})
}
