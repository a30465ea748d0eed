package trainer

import (
	"math"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
)

// learningRate is the rate of step n, counted from 1: a linear rise over the warm-up steps, then
// constant, or linear or cosine down to 0 at the last step.
func (t *Trainer) learningRate(n int) float64 {
	o, steps := t.cfg.Optimizer, t.cfg.Train.Steps
	if n <= o.WarmupSteps {
		return o.LearningRate * float64(n) / float64(o.WarmupSteps)
	}
	done := float64(n-o.WarmupSteps) / float64(max(1, steps-o.WarmupSteps))
	switch o.Schedule {
	case "linear":
		return o.LearningRate * (1 - done)
	case "cosine":
		return o.LearningRate * (1 + math.Cos(math.Pi*done)) / 2
	}
	return o.LearningRate
}

// order visits the training prompts in a new seeded order each epoch.
type order struct {
	prompts []*oaif.Prompt
	seed    int64
	epoch   int
	perm    []int
}

// at returns the i-th prompt of the endless sequence of epochs, i from 0.
func (o *order) at(i int) *oaif.Prompt {
	n := len(o.prompts)
	if epoch := i / n; o.perm == nil || epoch != o.epoch {
		o.epoch, o.perm = epoch, prompts.Order(o.seed, n, epoch)
	}
	return o.prompts[o.perm[i%n]]
}
