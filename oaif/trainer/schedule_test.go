package trainer_test

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/trainer"
)

// TestLearningRates: the wanted rates are worked by hand for a peak of 8: warm-up n/warmup, then
// linear 1-d or cosine (1+cos(pi d))/2 with d = (n-warmup)/(steps-warmup).
func TestLearningRates(t *testing.T) {
	const root = 0.7071067811865476 // cos(pi/4)
	for _, c := range []struct {
		schedule      string
		warmup, steps int
		want          []float64 // of steps 1, 2, ...
	}{
		{"constant", 0, 3, []float64{8, 8, 8}},
		{"constant", 4, 5, []float64{2, 4, 6, 8, 8}},
		{"constant", 4, 2, []float64{2, 4}}, // ends while it warms up
		{"linear", 0, 4, []float64{6, 4, 2, 0}},
		{"linear", 2, 6, []float64{4, 8, 6, 4, 2, 0}},
		{"cosine", 0, 4, []float64{4 * (1 + root), 4, 4 * (1 - root), 0}},
		{"cosine", 1, 3, []float64{8, 4, 0}},
		{"linear", 1, 2, []float64{8, 0}},
		{"constant", 0, 1, []float64{8}},
	} {
		cfg := config.Default()
		cfg.Optimizer.LearningRate, cfg.Optimizer.Schedule = 8, c.schedule
		cfg.Optimizer.WarmupSteps, cfg.Train.Steps = c.warmup, c.steps
		for i, want := range c.want {
			if got := trainer.LearningRate(cfg, i+1); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s, %d of %d steps warm-up: step %d has %g, want %g",
					c.schedule, c.warmup, c.steps, i+1, got, want)
			}
		}
	}
}

// TestPromptOrder: the 7 prompts, 3 a step, are all seen once before any is seen again, each epoch
// in an order of its own.
func TestPromptOrder(t *testing.T) {
	out := train(t, workplace(t, pointwise), "train.steps=7")
	var seen []int
	for _, p := range objects(t, filepath.Join(out, "pairs.jsonl")) {
		seen = append(seen, int(p["index"].(float64)))
	}
	if len(seen) != 21 {
		t.Fatalf("%d pairs in 7 steps of 3", len(seen))
	}
	epochs := slices.Collect(slices.Chunk(seen, 7))
	for i, e := range epochs {
		if !slices.Equal(slices.Sorted(slices.Values(e)), []int{0, 1, 2, 3, 4, 5, 6}) {
			t.Errorf("epoch %d visits %v", i, e)
		}
	}
	if slices.Equal(epochs[0], epochs[1]) && slices.Equal(epochs[1], epochs[2]) {
		t.Errorf("every epoch has the order %v", epochs[0])
	}
}
