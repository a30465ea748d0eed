package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/trainer"
)

// summed is the log-prob of an answer's ids, every one from a forward pass of its own: those of the
// answer, no prompt's, and no end token that is not among them.
func summed(t *testing.T, tr *trainer.Trainer, reference bool, prompt, ids []int32) (sum float64) {
	t.Helper()
	text := slices.Clone(prompt)
	for _, id := range ids {
		lp, err := tr.Logprob(reference, text, id)
		if err != nil {
			t.Fatal(err)
		}
		sum += lp
		text = append(text, id)
	}
	return sum
}

// formulas are the losses of arXiv 2402.04792 in h, each with its beta.
var formulas = map[string]func(h float64) float64{
	"dpo":  func(h float64) float64 { return math.Log1p(math.Exp(-.1 * h)) },
	"ipo":  func(h float64) float64 { return (h - .5) * (h - .5) },
	"slic": func(h float64) float64 { return max(0, 1-.002*h) },
}

// plainLoss is the mean over pairs with a verdict of f(h), in double precision.
func plainLoss(
	t *testing.T, tr *trainer.Trainer, j judged, f func(h float64) float64,
) (loss float64) {
	t.Helper()
	gain := func(i int, c oaif.Completion) float64 {
		prompt := j.pairs[i].Prompt.IDs
		return summed(t, tr, false, prompt, c.IDs) - summed(t, tr, true, prompt, c.IDs)
	}
	for _, i := range j.kept() {
		h := gain(i, j.pairs[i].A) - gain(i, j.pairs[i].B)
		if j.prefs[i].Verdict == oaif.VerdictB {
			h = -h
		}
		loss += f(h) / float64(len(j.kept()))
	}
	return loss
}

// The loss of a step is that of the paper, over the sampled tokens of the kept pairs, and its slope
// along the step's gradient is the gradient's norm.
func TestLossAndGradientAreThoseOfTheFormula(t *testing.T) {
	for kind, f := range formulas {
		tr := moved(t, "loss.kind="+kind, "train.micro_batch=3")
		rng := rand.New(rand.NewPCG(91, 92))
		for range 6 {
			j := anyPairs(t, tr, rng)
			got := learn(t, tr, j)
			if want := plainLoss(t, tr, j, f); math.Abs(got.Metrics.Loss-want) > 1e-5*(1+want) {
				t.Errorf("%s: loss %g, want %g", kind, got.Metrics.Loss, want)
			}
			tokens, norm := 0, 0.0
			for _, i := range j.kept() {
				tokens += len(j.pairs[i].A.IDs) + len(j.pairs[i].B.IDs)
			}
			for _, g := range got.Gradients {
				norm += float64(g) * float64(g)
			}
			if norm = math.Sqrt(norm); got.Tokens != tokens || norm == 0 {
				t.Errorf("%s: %d tokens, want %d; norm %g", kind, got.Tokens, tokens, norm)
			}
			if slope := slopeAlong(t, tr, got.Gradients, norm, func() float64 {
				return plainLoss(t, tr, j, f)
			}); math.Abs(slope-norm) > .01*norm {
				t.Errorf("%s: slope %g along a gradient of norm %g", kind, slope, norm)
			}
		}
	}
}

// slopeAlong is the central difference of loss along a gradient. The policy ends where it was, up
// to rounding.
func slopeAlong(
	t *testing.T, tr *trainer.Trainer, gradient []float32, norm float64, loss func() float64,
) float64 {
	t.Helper()
	const h = 5e-3
	move := func(by float64) {
		t.Helper()
		if err := tr.Move(gradient, by/norm); err != nil {
			t.Fatal(err)
		}
	}
	move(h)
	up := loss()
	move(-2 * h)
	down := loss()
	move(h)
	return (up - down) / (2 * h)
}

// edgeCases are prompts and answers of one token, answers of none, one that begins the other, and
// ends of text in the prompt or as the whole answer.
func edgeCases() (j judged) {
	const end = modeltest.End
	for i, ids := range [][3][]int32{
		{{'a'}, {'b'}, {'c'}}, {{'a'}, {'b'}, {'b', 'c'}}, {{'a'}, {end}, {'b', end}},
		{{'a'}, {'b', 'c', end}, {'b', 'c'}}, {{end, 'a'}, {end}, {'c'}},
		{{'a', 'b'}, {'c'}, {'a'}}, // whose prompt is the first pair's with its answer
		{{'a'}, nil, {'c', 'd'}}, {{'a'}, {'c', 'd'}, nil}, {{'q'}, nil, {end}},
	} {
		p := oaif.Pair{Prompt: &oaif.Prompt{Index: i, IDs: ids[0]}}
		for k, c := range []*oaif.Completion{&p.A, &p.B} {
			c.IDs, c.Logprobs = ids[k+1], make([]float32, len(ids[k+1]))
		}
		j.pairs = append(j.pairs, p)
		j.prefs = append(j.prefs, verdicts[i%2])
	}
	return j
}

func TestEdgeCasesOfPairs(t *testing.T) {
	tr := moved(t, "train.micro_batch=0")
	j := edgeCases()
	j.ref = references(t, tr, j.pairs)
	whole := learn(t, tr, j)
	if whole.Metrics.Kept != len(j.pairs) || whole.Tokens != 22 {
		t.Errorf("%d pairs of %d tokens kept", whole.Metrics.Kept, whole.Tokens)
	}
	sum := make([]float32, len(whole.Gradients))
	for i := range j.pairs {
		one := j.some(i)
		got := learn(t, tr, one)
		if want := plainLoss(t, tr, one, formulas["dpo"]); math.Abs(got.Metrics.Loss-want) > 1e-5 {
			t.Errorf("pair %d: loss %g, want %g", i, got.Metrics.Loss, want)
		}
		for k, g := range got.Gradients {
			sum[k] += g
		}
	}
	if d := off(whole.Gradients, sum, 1/float64(len(j.pairs))); !(d < 1e-5) {
		t.Errorf("the gradient is off by %g", d)
	}
}

// Were identical answers kept, they would teach nothing and count in the divisor all the same: that
// is why they are skipped.
func TestIdenticalAnswersTeachNothing(t *testing.T) {
	tr := moved(t)
	rng := rand.New(rand.NewPCG(93, 94))
	for range 10 {
		j := anyPairs(t, tr, rng)
		j = j.some(j.kept()...)
		n := len(j.pairs)
		before := learn(t, tr, j)
		same := oaif.Pair{Prompt: &oaif.Prompt{Index: 99, IDs: anyIDs(rng, 5)}, A: anyAnswer(rng)}
		same.B = same.A
		j.pairs, j.prefs = append(j.pairs, same), append(j.prefs, verdicts[rng.IntN(2)])
		j.ref = append(j.ref, references(t, tr, j.pairs[n:])...)
		after := learn(t, tr, j)
		if d := off(after.Gradients, before.Gradients, float64(n)/float64(n+1)); !(d < 1e-5) {
			t.Errorf("the gradient is off by %g", d)
		}
	}
}

// whim judges by a hash of the question: as often for a as for b, and every third time not at all.
func whim(q oaif.Question) oaif.Preference {
	h := fnv.New32a()
	h.Write([]byte(q.Fields["prompt"] + "|" + q.A + "|" + q.B))
	return verdicts[h.Sum32()>>3%uint32(len(verdicts))]
}

func stepGradients(t *testing.T, tr *trainer.Trainer, step int) []float32 {
	t.Helper()
	g, err := tr.Gradients(context.Background(), step)
	if err := errors.Join(err, tr.DropGradients()); err != nil {
		t.Fatal(err)
	}
	return g
}

// What the sampler has kept gives the gradient that a new forward pass gives, also where pairs in
// between are skipped and answers end at different times.
func TestKeptActivationsWithSkippedPairs(t *testing.T) {
	path := workplace(t, pointwise)
	open := func(sets ...string) *trainer.Trainer {
		sets = append(sets, manyEnds, "train.prompts_per_step=9", "run.out="+t.TempDir())
		tr := open(t, load(t, path, sets...), false, &watcher{})
		tr.UseAnnotator(judge(whim), "whim")
		return tr
	}
	again := open("train.recompute=true")
	for _, micro := range []int{0, 1, 2, 4} {
		kept := open(fmt.Sprintf("train.micro_batch=%d", micro))
		for step := 1; step <= 4; step++ {
			want := stepGradients(t, again, step)
			if d := off(stepGradients(t, kept, step), want, 1); !(d < 1e-5) {
				t.Errorf("micro-batches of %d, step %d: off by %g", micro, step, d)
			}
		}
	}
}
