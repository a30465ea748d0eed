package trainer_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/trainer"
)

// TestSameSeedSameBytes: a run is a function of its configuration, and the seed is a part of it.
func TestSameSeedSameBytes(t *testing.T) {
	path := workplace(t, pointwise)
	dir := filepath.Dir(path)
	one := train(t, path, "run.out="+dir+"/one")
	sameResults(t, train(t, path, "run.out="+dir+"/two"), one, 4)
	other := train(t, path, "run.out="+dir+"/other", "train.seed=2")
	for _, name := range results(one, 4) {
		if bytes.Equal(read(t, filepath.Join(other, name)), read(t, filepath.Join(one, name))) {
			t.Errorf("%s is the same with another seed", name)
		}
	}
}

// firstStep takes the first step of a run of 7 pairs a step and returns its metrics and gradients.
func firstStep(t *testing.T, path string, sets ...string) (trainer.Metrics, []float32) {
	t.Helper()
	sets = append(sets, "train.prompts_per_step=7")
	w := &watcher{}
	t.Run("step", func(t *testing.T) {
		tr := open(t, load(t, path, append(sets, "run.out="+t.TempDir())...), false, w)
		if err := tr.Step(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
	})
	var gradients []float32
	t.Run("gradients", func(t *testing.T) {
		tr := open(t, load(t, path, append(sets, "run.out="+t.TempDir())...), false, w)
		var err error
		if gradients, err = tr.Gradients(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
	})
	if len(w.steps) != 1 || len(gradients) == 0 {
		t.FailNow()
	}
	return w.steps[0], gradients
}

// TestMicroBatches: cutting a step into micro-batches, an uneven last one too, or running the
// forward pass again does not change its gradient or what is said of it.
func TestMicroBatches(t *testing.T) {
	path := workplace(t, pointwise)
	// A policy that has moved off its reference, so that margins and losses say something.
	dir := filepath.Dir(path)
	moved := train(t, path, "run.out="+dir+"/moved")
	models := []string{"model.path=" + moved + "/model", "model.reference=" + dir + "/model"}
	want, wantGradients := firstStep(t, path, append(models, "train.micro_batch=0")...)
	if want.Kept < 5 || want.GradNorm < 1e-3 || math.Abs(want.RewardMargin) < 1e-3 {
		t.Fatalf("too little to compare: %+v", want)
	}
	for _, sets := range [][]string{
		{"train.micro_batch=1"}, {"train.micro_batch=3"}, {"train.micro_batch=100"},
		{"train.recompute=true"}, {"train.micro_batch=3", "train.recompute=true"},
	} {
		got, gradients := firstStep(t, path, append(sets, models...)...)
		for name, pair := range map[string][2]float64{
			"loss": {got.Loss, want.Loss}, "margin": {got.RewardMargin, want.RewardMargin},
			"accuracy": {got.RewardAccuracy, want.RewardAccuracy}, "kl": {got.KL, want.KL},
			"entropy": {got.Entropy, want.Entropy}, "gap": {got.GapMean, want.GapMean},
			"norm": {got.GradNorm, want.GradNorm},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-5 {
				t.Errorf("%v: %s %g, want %g", sets, name, pair[0], pair[1])
			}
		}
		if got.Kept != want.Kept {
			t.Errorf("%v: %d pairs kept, want %d", sets, got.Kept, want.Kept)
		}
		for i := range gradients {
			if math.Abs(float64(gradients[i]-wantGradients[i])) > 1e-5 {
				t.Errorf("%v: gradient %d is %g, want %g", sets, i, gradients[i], wantGradients[i])
				break
			}
		}
	}
}

// TestGradientNorm checks the norm that is logged against the gradients, and the first update
// against AdamW's, which is lr g/(|g|+eps) when nothing came before, g clipped or not.
func TestGradientNorm(t *testing.T) {
	path := workplace(t, pointwise)
	m, g := firstStep(t, path)
	sum := 0.0
	for _, v := range g {
		sum += float64(v) * float64(v)
	}
	if norm := math.Sqrt(sum); norm < .1 || math.Abs(norm-m.GradNorm) > 1e-5*norm {
		t.Fatalf("logged norm %g, the gradients have %g", m.GradNorm, norm)
	}
	for scale, clip := range map[float64]float64{1: 0, .25: m.GradNorm / 4} {
		t.Run(fmt.Sprint(scale), func(t *testing.T) {
			tr := open(t, load(t, path, "train.prompts_per_step=7", "optimizer.eps=1",
				"optimizer.learning_rate=1", fmt.Sprintf("optimizer.clip_norm=%g", clip),
				"run.out="+t.TempDir()), false, &watcher{})
			before, err := tr.Weights()
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Step(context.Background(), 1); err != nil {
				t.Fatal(err)
			}
			after, err := tr.Weights()
			if err != nil {
				t.Fatal(err)
			}
			for i := range g {
				want := -scale * float64(g[i]) / (scale*math.Abs(float64(g[i])) + 1)
				if got := float64(after[i] - before[i]); math.Abs(got-want) > 1e-5 {
					t.Fatalf("weight %d moved by %g, want %g", i, got, want)
				}
			}
		})
	}
}
