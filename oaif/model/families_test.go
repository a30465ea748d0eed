package model_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/paritytest"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// family is a tiny model of testdata/families with what transformers computes from it, written by
// the script there.
type family struct {
	Sequences []struct {
		Prompt, Completion []int32
		Logprobs           []float64
		Seed               float32
	}
	Greedy []struct {
		Prompt []int32
		IDs    []int64
	}
	gradients map[string][]float32 // of the sum of Seed * log-prob of each sequence
}

func (f family) sequences() (seqs []model.Sequence, seed []float32) {
	for _, s := range f.Sequences {
		seqs = append(seqs, model.Sequence{Prompt: s.Prompt, Completion: s.Completion})
		seed = append(seed, s.Seed)
	}
	return seqs, seed
}

// The bounds of what rounding does in float32. A gradient's is relative to its tensor's norm.
const (
	logprobBound  = 1e-4
	gradientBound = 1e-5
	bfloat16Bound = 0.1 // of a log-prob
)

// eachFamily runs f with every model of testdata/families.
func eachFamily(t *testing.T, f func(t *testing.T, dir string, want family)) {
	dirs, err := filepath.Glob("testdata/families/*/config.json")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no families in testdata", err)
	}
	for _, path := range dirs {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) { f(t, dir, readFamily(t, dir)) })
	}
}

func TestFamiliesAgreeWithTransformers(t *testing.T) {
	eachFamily(t, func(t *testing.T, dir string, want family) {
		row := parityRow{Family: filepath.Base(dir), Greedy: true}
		for _, portable := range []bool{false, true} {
			m := load(t, torchtest.Open(t, 2), dir, torch.Float32, true)
			torchtest.Do(t, m.Device(), func() {
				torch.SetPortable(portable)
				defer torch.SetPortable(false)
				row.Logprob = max(row.Logprob, logprobError(m, want))
				for _, segment := range []int{99, 1, 2} {
					row.Gradient = max(row.Gradient, gradientError(t, m, want, segment))
				}
				row.Greedy = row.Greedy && greedyAgrees(t, m, want)
			})
		}
		row.check(t)
		paritytest.Row(t, row)
	})
}

func TestFamiliesInBFloat16(t *testing.T) {
	eachFamily(t, func(t *testing.T, dir string, want family) {
		m := load(t, torchtest.Open(t, 2), dir, torch.BFloat16, false)
		torchtest.Do(t, m.Device(), func() {
			e := logprobError(m, want)
			paritytest.Row(t, map[string]any{"bfloat16": filepath.Base(dir), "logprob_error": e})
			t.Logf("log-probs differ by at most %.3f", e)
			if !(e <= bfloat16Bound) {
				t.Errorf("log-probs differ by %.3f, bound %v", e, bfloat16Bound)
			}
		})
	})
}

// logprobError returns the largest difference of a token's log-prob. Device goroutine only.
func logprobError(m *model.Model, want family) (e float64) {
	seqs, _ := want.sequences()
	for i, s := range m.Score(seqs) {
		if len(s.Logprobs) != len(want.Sequences[i].Logprobs) {
			return math.Inf(1)
		}
		for k, lp := range s.Logprobs {
			d := math.Abs(float64(lp) - want.Sequences[i].Logprobs[k])
			if !(d <= e) { // NaN counts
				e = d
			}
		}
	}
	return e
}

// gradientError returns the largest distance of a tensor's gradient, relative to its norm. Device
// goroutine only.
func gradientError(t *testing.T, m *model.Model, want family, segment int) (e float64) {
	seqs, seed := want.sequences()
	m.ZeroGrad()
	accumulate(m, seqs, seed, segment)
	got := gradients(m)
	if len(got) != len(want.gradients) {
		t.Errorf("%d gradients, want %d", len(got), len(want.gradients))
	}
	for name, w := range want.gradients {
		g := got[name]
		if len(g) != len(w) {
			t.Errorf("%s: %d numbers, want %d", name, len(g), len(w))
			continue
		}
		var off, norm float64
		for i := range w {
			d := float64(g[i]) - float64(w[i])
			off, norm = off+d*d, norm+float64(w[i])*float64(w[i])
		}
		d := math.Sqrt(off / norm)
		if !(d <= gradientBound) {
			t.Errorf("%s, segments of %d: the gradient is off by %.2g of its norm %.3g",
				name, segment, d, math.Sqrt(norm))
		}
		if !(d <= e) {
			e = d
		}
	}
	return e
}

// greedyAgrees decodes all prompts side by side. Device goroutine only.
func greedyAgrees(t *testing.T, m *model.Model, want family) bool {
	var prompts [][]int32
	longest, steps := 0, 0
	for _, g := range want.Greedy {
		prompts = append(prompts, g.Prompt)
		longest, steps = max(longest, len(g.Prompt)), max(steps, len(g.IDs))
	}
	dec := torch.NewDecoder(m.Model, len(prompts), longest+steps,
		torch.Sampling{TopP: 1, MaxNew: steps})
	defer dec.Close()
	same := true
	for i, slot := range admit(m, dec, prompts, make([]uint64, len(prompts))) {
		if i == 0 {
			dec.Step(steps)
		}
		if ids, _ := dec.Release(slot); !slices.Equal(ids, want.Greedy[i].IDs) {
			t.Errorf("prompt %v goes on with %v, want %v", prompts[i], ids, want.Greedy[i].IDs)
			same = false
		}
	}
	return same
}

// parityRow is a family's line of the table in docs/parity.md.
type parityRow struct {
	Family   string  `json:"family"`
	Logprob  float64 `json:"logprob_error"`
	Gradient float64 `json:"gradient_error"`
	Greedy   bool    `json:"greedy_equal"`
}

func (r parityRow) check(t *testing.T) {
	t.Logf("log-probs within %.2g, gradients within %.2g", r.Logprob, r.Gradient)
	if !(r.Logprob <= logprobBound) || !(r.Gradient <= gradientBound) {
		t.Errorf("log-probs are off by %.2g, gradients by %.2g; bounds %v, %v",
			r.Logprob, r.Gradient, logprobBound, gradientBound)
	}
}

func readFamily(t *testing.T, dir string) (f family) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	f.gradients = readGradients(t, filepath.Join(dir, "grads.safetensors"))
	return f
}

// readGradients reads a safetensors file of float32 tensors.
func readGradients(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		DType   string
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+head], &header); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	out := map[string][]float32{}
	for name, h := range header {
		raw := data[8+head:][h.Offsets[0]:h.Offsets[1]]
		if h.DType != "F32" {
			t.Fatalf("%s: %s is %s", path, name, h.DType)
		}
		for i := 0; i < len(raw); i += 4 {
			out[name] = append(out[name], math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		}
	}
	return out
}
