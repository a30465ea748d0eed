package trainer_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/trainer"
)

// moved opens a trainer whose policy is a little off its reference, as if some steps were done.
func moved(t *testing.T, sets ...string) *trainer.Trainer {
	t.Helper()
	tr := open(t, load(t, workplace(t, pointwise), sets...), false, &watcher{})
	w, err := tr.Weights()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(81, 82))
	for i := range w {
		w[i] = float32(rng.NormFloat64())
	}
	if err := tr.Move(w, .03); err != nil {
		t.Fatal(err)
	}
	return tr
}

// judged is a step's pairs after everyone has had their say.
type judged struct {
	pairs []oaif.Pair
	prefs []oaif.Preference
	ref   [][2]float64
}

func (j judged) some(which ...int) (out judged) {
	for _, i := range which {
		out.pairs, out.prefs = append(out.pairs, j.pairs[i]), append(out.prefs, j.prefs[i])
		out.ref = append(out.ref, j.ref[i])
	}
	return out
}

// kept lists the pairs with a verdict.
func (j judged) kept() (which []int) {
	for i, p := range j.prefs {
		if p.Verdict == oaif.VerdictA || p.Verdict == oaif.VerdictB {
			which = append(which, i)
		}
	}
	return which
}

func learn(t *testing.T, tr *trainer.Trainer, j judged) trainer.Learned {
	t.Helper()
	l, err := tr.Learn(context.Background(), j.pairs, j.prefs, j.ref)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func references(t *testing.T, tr *trainer.Trainer, pairs []oaif.Pair) [][2]float64 {
	t.Helper()
	ref, err := tr.References(context.Background(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// anyIDs returns up to longest ids of few kinds, so that texts begin alike, and at least one.
func anyIDs(rng *rand.Rand, longest int) []int32 {
	out := make([]int32, 1+rng.IntN(longest))
	for i := range out {
		out[i] = 'a' + rng.Int32N(3)
	}
	return out
}

// anyAnswer is a completion that was cut off or, every second time, ended by itself.
func anyAnswer(rng *rand.Rand) oaif.Completion {
	c := oaif.Completion{IDs: anyIDs(rng, 6), Finish: oaif.FinishLength}
	if rng.IntN(2) == 0 {
		c.IDs[len(c.IDs)-1], c.Finish = modeltest.End, oaif.FinishEOS
	}
	c.Logprobs, c.Text = make([]float32, len(c.IDs)), fmt.Sprint(c.IDs)
	return c
}

var verdicts = []oaif.Preference{
	{Verdict: oaif.VerdictA, PA: .75}, {Verdict: oaif.VerdictB, PA: .25},
	{Verdict: oaif.VerdictA, PA: 1}, {Verdict: oaif.VerdictB},
	{Verdict: oaif.VerdictTie, PA: .5}, {Verdict: oaif.VerdictInvalid, Reason: "no answer"},
}

// anyPairs makes judged pairs of short prompts and answers, some of them identical; the first has a
// verdict and two answers that differ.
func anyPairs(t *testing.T, tr *trainer.Trainer, rng *rand.Rand) (j judged) {
	t.Helper()
	for i := range 2 + rng.IntN(7) {
		p := oaif.Pair{Prompt: &oaif.Prompt{Index: i, IDs: anyIDs(rng, 5)}, A: anyAnswer(rng),
			B: anyAnswer(rng)}
		pref := verdicts[rng.IntN(len(verdicts))]
		if rng.IntN(5) == 0 {
			p.B = p.A
		}
		if i == 0 {
			p.B, pref = anyAnswer(rng), verdicts[rng.IntN(4)]
			p.A.IDs[0], p.B.IDs[0] = 'x', 'y'
		} else if slices.Equal(p.A.IDs, p.B.IDs) {
			pref = oaif.Preference{Verdict: oaif.VerdictTie, PA: .5,
				Reason: annotator.ReasonIdentical}
		}
		j.pairs, j.prefs = append(j.pairs, p), append(j.prefs, pref)
	}
	j.ref = references(t, tr, j.pairs)
	return j
}

// swapped gives each pair's answers the other's name, and verdicts and references with them.
func (j judged) swapped() judged {
	out := j.some(indices(len(j.pairs))...)
	other := map[oaif.Verdict]oaif.Verdict{
		oaif.VerdictA: oaif.VerdictB, oaif.VerdictB: oaif.VerdictA,
		oaif.VerdictTie: oaif.VerdictTie, oaif.VerdictInvalid: oaif.VerdictInvalid,
	}
	for i, p := range out.prefs {
		out.pairs[i].A, out.pairs[i].B = out.pairs[i].B, out.pairs[i].A
		out.ref[i][0], out.ref[i][1] = out.ref[i][1], out.ref[i][0]
		out.prefs[i].Verdict = other[p.Verdict]
		if p.Verdict != oaif.VerdictInvalid {
			out.prefs[i].PA = 1 - p.PA
		}
	}
	return out
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// off is how far a gradient is from scale times another one, in parts of that one's norm.
func off(got, want []float32, scale float64) float64 {
	d, n := 0.0, 0.0
	for i := range want {
		w := scale * float64(want[i])
		d += (float64(got[i]) - w) * (float64(got[i]) - w)
		n += w * w
	}
	return math.Sqrt(d / n)
}

// Calling a b and b a changes no bit of the loss and of the gradient, and a step's line not at all.
// The reference, which scores a before b, rounds differently.
func TestNamesDoNotMatter(t *testing.T) {
	for _, kind := range []string{"dpo", "ipo", "slic"} {
		tr := moved(t, "loss.kind="+kind)
		rng := rand.New(rand.NewPCG(83, 84))
		for range 20 {
			j := anyPairs(t, tr, rng)
			k := j.swapped()
			got, want := learn(t, tr, k), learn(t, tr, j)
			if !slices.Equal(got.Gradients, want.Gradients) || got.Tokens != want.Tokens {
				t.Errorf("%s: other gradients", kind)
			}
			if d := got.Metrics.KL - want.Metrics.KL; math.Abs(d) > 1e-9 {
				t.Errorf("%s: the KL is off by %g", kind, d)
			}
			got.Metrics.KL = want.Metrics.KL // which is added up in another order
			if !reflect.DeepEqual(got.Metrics, want.Metrics) {
				t.Errorf("%s: swapped %+v, before %+v", kind, got.Metrics, want.Metrics)
			}
			for i, r := range references(t, tr, k.pairs) {
				if math.Abs(r[0]-j.ref[i][1]) > 1e-5 || math.Abs(r[1]-j.ref[i][0]) > 1e-5 {
					t.Errorf("reference %v, before %v", r, j.ref[i])
				}
			}
		}
	}
}

// Pairs without a verdict are counted by their reason and change nothing else, the divisor neither.
func TestSkippedPairsAreOnlyCounted(t *testing.T) {
	tr := moved(t, "train.micro_batch=2")
	rng := rand.New(rand.NewPCG(85, 86))
	total := trainer.Metrics{}
	for range 40 {
		j := anyPairs(t, tr, rng)
		which, identical := j.kept(), 0
		for _, p := range j.pairs {
			if slices.Equal(p.A.IDs, p.B.IDs) {
				identical++
			}
		}
		all, kept := learn(t, tr, j), learn(t, tr, j.some(which...))
		if !slices.Equal(all.Gradients, kept.Gradients) || all.Metrics.Loss != kept.Metrics.Loss ||
			all.Metrics.RewardMargin != kept.Metrics.RewardMargin || all.Tokens != kept.Tokens {
			t.Error("skipped pairs change what is learned")
		}
		m := all.Metrics
		if m.Pairs != len(j.pairs) || m.Kept != len(which) || m.SkippedIdentical != identical ||
			m.Kept+m.SkippedIdentical+m.SkippedTie+m.SkippedInvalid != m.Pairs {
			t.Errorf("%d pairs, %d with a verdict, %d identical: %+v", len(j.pairs), len(which),
				identical, m)
		}
		total.SkippedIdentical += m.SkippedIdentical
		total.SkippedTie += m.SkippedTie
		total.SkippedInvalid += m.SkippedInvalid
	}
	if min(total.SkippedIdentical, total.SkippedTie, total.SkippedInvalid) < 10 {
		t.Errorf("too few of one kind to tell: %+v", total)
	}
}

// A step's loss and gradient are the mean of those of its kept pairs, each alone.
func TestStepIsTheMeanOfItsPairs(t *testing.T) {
	for _, kind := range []string{"dpo", "ipo", "slic"} {
		tr := moved(t, "loss.kind="+kind)
		rng := rand.New(rand.NewPCG(87, 88))
		for range 12 {
			j := anyPairs(t, tr, rng)
			whole := learn(t, tr, j)
			sum, loss := make([]float32, len(whole.Gradients)), 0.0
			for _, i := range j.kept() {
				one := learn(t, tr, j.some(i))
				for k, g := range one.Gradients {
					sum[k] += g
				}
				loss += one.Metrics.Loss
			}
			n := float64(len(j.kept()))
			if d := off(whole.Gradients, sum, 1/n); !(d < 1e-5) {
				t.Errorf("%s: the gradient is off by %g", kind, d)
			}
			if d := whole.Metrics.Loss - loss/n; !(math.Abs(d) < 1e-5) {
				t.Errorf("%s: the loss is off by %g", kind, d)
			}
		}
	}
}

// However a step is cut, in whatever order its pairs come and whether layers are run again, the
// gradient is the same up to rounding.
func TestEveryCutGivesTheSameGradient(t *testing.T) {
	tr := moved(t)
	rng := rand.New(rand.NewPCG(89, 90))
	for range 12 {
		j := anyPairs(t, tr, rng)
		tr.Cut(0, false)
		want := learn(t, tr, j)
		for micro := range len(j.pairs) + 2 {
			tr.Cut(micro, rng.IntN(2) == 0)
			got := learn(t, tr, j.some(rng.Perm(len(j.pairs))...))
			if d := off(got.Gradients, want.Gradients, 1); !(d < 1e-5) {
				t.Errorf("micro-batches of %d: the gradient is off by %g", micro, d)
			}
			if d := got.Metrics.Loss - want.Metrics.Loss; !(math.Abs(d) < 1e-5) {
				t.Errorf("micro-batches of %d: the loss is off by %g", micro, d)
			}
		}
	}
}
