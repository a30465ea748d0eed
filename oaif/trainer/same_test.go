package trainer_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
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

// firstStep takes the first step of a run and returns its metrics and gradients.
func firstStep(t *testing.T, path string, sets ...string) (trainer.Metrics, []float32) {
	t.Helper()
	var gradients []float32
	w := &watcher{}
	t.Run("step", func(t *testing.T) {
		sets = append(sets, "run.out="+t.TempDir(), "train.prompts_per_step=7", "optimizer.clip_norm=0")
		tr := open(t, load(t, path, sets...), false, w)
		tr.WatchGradients(func(g []float32) { gradients = g })
		if err := tr.Step(context.Background(), 1); err != nil {
			t.Fatal(err)
		}
	})
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

// TestGradientNorm checks the norm that is logged against the gradients, and that clipping brings
// it down.
func TestGradientNorm(t *testing.T) {
	path := workplace(t, pointwise)
	norm := func(x []float32) float64 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum)
	}
	m, whole := firstStep(t, path)
	if math.Abs(norm(whole)-m.GradNorm) > 1e-5*m.GradNorm {
		t.Errorf("logged norm %g, the gradients have %g", m.GradNorm, norm(whole))
	}
	tr := open(t, load(t, path, "train.prompts_per_step=7",
		fmt.Sprintf("optimizer.clip_norm=%g", m.GradNorm/4)), false, &watcher{})
	var clipped []float32
	tr.WatchGradients(func(g []float32) { clipped = g })
	if err := tr.Step(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if got := norm(clipped); math.Abs(got-m.GradNorm/4) > 1e-4*m.GradNorm {
		t.Errorf("clipped to %g, want %g", got, m.GradNorm/4)
	}
	for i := range clipped {
		if math.Abs(float64(clipped[i]-whole[i]/4)) > 1e-5 {
			t.Fatalf("gradient %d is %g, want a quarter of %g", i, clipped[i], whole[i])
		}
	}
	if slices.Max(clipped) == 0 {
		t.Error("no gradient is positive")
	}
}
