package model_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/weights"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// The two models of testdata: grouped queries with a head of its own, and as many KV heads as heads
// with llama3 rope scaling and the embedding as the head.
var tiny = []string{"tiny-untied", "tiny-tied"}

// load puts the weights at path on the device until the test ends.
func load(
	t *testing.T, d *torch.Device, path string, dtype torch.DType, trainable bool,
) *model.Model {
	t.Helper()
	file, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(d, file, dtype, trainable)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { torchtest.Do(t, d, m.Close) })
	return m
}

// eachTiny runs f with both models of testdata, in float32.
func eachTiny(t *testing.T, trainable bool, f func(t *testing.T, m *model.Model)) {
	for _, name := range tiny {
		t.Run(name, func(t *testing.T) {
			f(t, load(t, torchtest.Open(t, 1), filepath.Join("testdata", name),
				torch.Float32, trainable))
		})
	}
}

const vocab = 96 // of the tiny models

func tokens(rng *rand.Rand, n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = rng.Int32N(vocab)
	}
	return out
}

// sequences are pairs of completions for some prompts, of all lengths, with prompts that begin
// alike, a prompt given twice, a completion that begins another, and an empty one.
func sequences() []model.Sequence {
	rng := rand.New(rand.NewPCG(21, 22))
	shared := tokens(rng, 11)
	var out []model.Sequence
	branched := append(shared[:8:8], tokens(rng, 5)...)
	for _, prompt := range [][]int32{shared, shared[:6], branched, tokens(rng, 3)} {
		out = append(out, model.Sequence{Prompt: prompt, Completion: tokens(rng, 9)},
			model.Sequence{Prompt: prompt, Completion: tokens(rng, 4)})
	}
	long := out[0].Completion
	return append(out, model.Sequence{Prompt: shared, Completion: long[:4]},
		model.Sequence{Prompt: shared, Completion: long}, model.Sequence{Prompt: shared})
}

// near reports whether two numbers agree in absolute or relative terms.
func near(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*(1+math.Abs(b))
}

// allNear compares two lists of numbers; NaN is never near.
func allNear(a, b []float32, tolerance float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !near(float64(a[i]), float64(b[i]), tolerance) {
			return false
		}
	}
	return true
}
