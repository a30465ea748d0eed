package loss_test

import (
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wangkuiyi/gotorch"

	"github.com/oaif/oaif/oaif/loss"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// device is the one device goroutine of these tests, with two threads.
var device *torch.Device

func TestMain(m *testing.M) {
	var err error
	if device, err = torch.OpenDevice(torchtest.Spec(), 2); err != nil {
		panic(err)
	}
	code := m.Run()
	if n := torch.LiveHandles(); n != 0 {
		println(n, "handles are alive after all tests")
		code = 1
	}
	device.Close()
	os.Exit(code)
}

// of runs a loss on the device goroutine, and fails when a handle stays alive.
func of(
	t *testing.T, l loss.Loss, lp loss.LogProbs, beta float64, divisor int,
) (loss.Result, error) {
	t.Helper()
	var r loss.Result
	var err error
	if e := device.Do(func() { r, err = l.Of(lp, beta, divisor) }); e != nil {
		t.Fatal(e)
	}
	if n := torch.LiveHandles(); n != 0 {
		t.Fatalf("%d handles are alive", n)
	}
	return r, err
}

func mustOf(t *testing.T, l loss.Loss, lp loss.LogProbs, beta float64, divisor int) loss.Result {
	t.Helper()
	r, err := of(t, l, lp, beta, divisor)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

// onePair has h = (-10 - -12) - (-15 - -13) = 2 + 2 = 4.
var onePair = loss.LogProbs{
	PolicyChosen: []float64{-10}, PolicyRejected: []float64{-15},
	ReferenceChosen: []float64{-12}, ReferenceRejected: []float64{-13},
}

// TestWorkedNumbers has h = 4 and each loss's own beta:
//
//	DPO   -log sigmoid(.1*4) = log(1 + e^-.4) = log 1.670320 = .513015
//	      d/dh = -.1*sigmoid(-.4) = -.1*.401312 = -.0401312
//	IPO   (4 - 1/2)^2 = 12.25, d/dh = 2*3.5 = 7
//	SLiC  1 - .002*4 = .992, d/dh = -.002
func TestWorkedNumbers(t *testing.T) {
	for _, c := range []struct {
		l                loss.Loss
		beta, loss, grad float64
	}{
		{loss.DPO, 0.1, 0.513015, -0.0401312},
		{loss.IPO, 1, 12.25, 7},
		{loss.SLiC, 0.002, 0.992, -0.002},
	} {
		t.Run(c.l.Kind, func(t *testing.T) {
			if c.l.Beta != c.beta {
				t.Errorf("the paper's beta is %g, want %g", c.l.Beta, c.beta)
			}
			r := mustOf(t, c.l, onePair, c.beta, 1)
			near(t, "loss", r.Loss, c.loss, 1e-6)
			near(t, "dL/dlogp of the chosen", float64(r.GradChosen[0]), c.grad, 1e-7)
			near(t, "dL/dlogp of the rejected", float64(r.GradRejected[0]), -c.grad, 1e-7)
			near(t, "reward margin", r.RewardMargin, c.beta*4, 1e-9)
			near(t, "reward accuracy", r.RewardAccuracy, 1, 0)
		})
	}
}

// TestFarFromZero has |beta*h| = 1,000, where a sigmoid is 0 or 1 in fp32 and its logarithm would
// be infinite: the DPO loss is then 0 and 1,000. SLiC's hinge is shut above h = 1/beta.
func TestFarFromZero(t *testing.T) {
	zero := []float64{0, 0}
	lp := loss.LogProbs{
		PolicyChosen: []float64{10000, -10000}, PolicyRejected: zero,
		ReferenceChosen: zero, ReferenceRejected: zero,
	}
	r := mustOf(t, loss.DPO, lp, 0.1, 1)
	near(t, "DPO", r.Loss, 1000, 1e-3)
	near(t, "gradient where right", float64(r.GradChosen[0]), 0, 1e-9)
	near(t, "gradient where wrong", float64(r.GradChosen[1]), -0.1, 1e-7)
	near(t, "accuracy", r.RewardAccuracy, 1, 0)

	r = mustOf(t, loss.SLiC, lp, 0.1, 1)
	near(t, "SLiC", r.Loss, 1001, 1e-3)
	near(t, "gradient where shut", float64(r.GradChosen[0]), 0, 0)
}

// fivePairs is a step of varied h, one of them negative.
var fivePairs = loss.LogProbs{
	PolicyChosen:      []float64{-31.5, -8.25, -20, -14.5, -3},
	PolicyRejected:    []float64{-30, -9, -24.5, -14.5, -11},
	ReferenceChosen:   []float64{-30.5, -9.5, -21, -15, -4.25},
	ReferenceRejected: []float64{-31, -8.5, -22.5, -13, -10},
}

// TestGradientAgainstDifferences compares every element with the central difference of the loss,
// computed in float64 from the formula by another route than the package's.
func TestGradientAgainstDifferences(t *testing.T) {
	formula := map[string]func(h, beta float64) float64{
		"dpo":  func(h, beta float64) float64 { return math.Log1p(math.Exp(-beta * h)) },
		"ipo":  func(h, beta float64) float64 { return math.Pow(h-1/(2*beta), 2) },
		"slic": func(h, beta float64) float64 { return math.Max(0, 1-beta*h) },
	}
	for _, kind := range []string{"dpo", "ipo", "slic"} {
		l, err := loss.ByKind(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, beta := range []float64{l.Beta, 0.37} {
			r := mustOf(t, l, fivePairs, beta, 5)
			want := 0.0
			for i := range fivePairs.PolicyChosen {
				h := float64(fivePairs.PolicyChosen[i]-fivePairs.ReferenceChosen[i]) -
					float64(fivePairs.PolicyRejected[i]-fivePairs.ReferenceRejected[i])
				f, d := formula[kind], 1e-4
				want += f(h, beta) / 5
				slope := (f(h+d, beta) - f(h-d, beta)) / (2 * d) / 5
				near(t, kind+" gradient of the chosen", float64(r.GradChosen[i]), slope, 1e-6)
				near(t, kind+" gradient of the rejected", float64(r.GradRejected[i]), -slope, 1e-6)
			}
			near(t, kind+" loss", r.Loss, want, 1e-6)
		}
	}
}

// TestMicroBatchesAddUp: with the step's divisor, two micro-batches give what one batch gives.
func TestMicroBatchesAddUp(t *testing.T) {
	cut := func(lp loss.LogProbs, i, j int) loss.LogProbs {
		return loss.LogProbs{
			PolicyChosen: lp.PolicyChosen[i:j], PolicyRejected: lp.PolicyRejected[i:j],
			ReferenceChosen: lp.ReferenceChosen[i:j], ReferenceRejected: lp.ReferenceRejected[i:j],
		}
	}
	whole := mustOf(t, loss.DPO, fivePairs, 0.1, 5)
	a := mustOf(t, loss.DPO, cut(fivePairs, 0, 2), 0.1, 5)
	b := mustOf(t, loss.DPO, cut(fivePairs, 2, 5), 0.1, 5)
	near(t, "loss", a.Loss+b.Loss, whole.Loss, 1e-7)
	near(t, "margin", a.RewardMargin+b.RewardMargin, whole.RewardMargin, 1e-12)
	near(t, "accuracy", a.RewardAccuracy+b.RewardAccuracy, whole.RewardAccuracy, 1e-12)
	for i, g := range append(a.GradChosen, b.GradChosen...) {
		near(t, "gradient", float64(g), float64(whole.GradChosen[i]), 0)
	}
}

// TestLongCompletions: sums of a thousand nats, of which fp32 would keep 6e-5, do not blur h.
func TestLongCompletions(t *testing.T) {
	lp := loss.LogProbs{
		PolicyChosen: []float64{-1000.00001}, PolicyRejected: []float64{-2000.00003},
		ReferenceChosen: []float64{-1000.00002}, ReferenceRejected: []float64{-2000.00001},
	}
	const h = 0.00003
	r := mustOf(t, loss.IPO, lp, 1, 1)
	near(t, "loss", r.Loss, (h-0.5)*(h-0.5), 1e-7)
	near(t, "dL/dlogp of the chosen", float64(r.GradChosen[0]), 2*(h-0.5), 1e-7)
	near(t, "reward margin", r.RewardMargin, h, 1e-8)
}

// TestIdenticalPair: the two gradients fall on one and the same string and cancel.
func TestIdenticalPair(t *testing.T) {
	lp := loss.LogProbs{
		PolicyChosen: []float64{-7.5}, PolicyRejected: []float64{-7.5},
		ReferenceChosen: []float64{-7}, ReferenceRejected: []float64{-7},
	}
	for _, l := range []loss.Loss{loss.DPO, loss.IPO, loss.SLiC} {
		r := mustOf(t, l, lp, l.Beta, 1)
		if sum := r.GradChosen[0] + r.GradRejected[0]; sum != 0 || r.GradChosen[0] == 0 {
			t.Errorf("%s: gradients %g and %g", l.Kind, r.GradChosen[0], r.GradRejected[0])
		}
		near(t, "reward accuracy", r.RewardAccuracy, 0, 0)
	}
}

// TestRefusals names what was wrong, and a refusal leaves no handle.
func TestRefusals(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	with := func(x float64) loss.LogProbs {
		lp := onePair
		lp.ReferenceRejected = []float64{x}
		return lp
	}
	short := onePair
	short.PolicyRejected = []float64{1, 2}
	for _, c := range []struct {
		lp      loss.LogProbs
		beta    float64
		divisor int
		want    string
	}{
		{loss.LogProbs{}, 0.1, 1, "no pairs"},
		{onePair, 0, 1, "beta is 0"},
		{onePair, math.NaN(), 1, "beta is NaN"},
		{onePair, 0.1, 0, "divisor is 0"},
		{short, 0.1, 1, "2 policy log-probs of rejected completions for 1 pairs"},
		{with(nan), 0.1, 1, "element 0 of reference log-probs of rejected completions is NaN"},
		{with(inf), 0.1, 1, "element 0 of reference log-probs of rejected completions is +Inf"},
		{with(3e38), 3e38, 1, "element 0 of the loss or its gradient"}, // overflows inside
	} {
		_, err := of(t, loss.DPO, c.lp, c.beta, c.divisor)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
		if got := errors.Is(err, loss.ErrNotFinite); got != strings.Contains(c.want, "element 0") {
			t.Errorf("%v: not finite is %v", err, got)
		}
	}
	if _, err := loss.ByKind("kto"); err == nil ||
		!strings.Contains(err.Error(), "dpo, ipo, slic") {
		t.Errorf("error is %v", err)
	}
}

// TestUnderGarbageCollection runs the losses while the collector runs without pause: a result that
// was not adopted would be freed by its finalizer under the operator that reads it. Long vectors
// keep every operator busy long enough for that. (That nothing is left unadopted is checked in the
// source, by the test of layers in package oaif.)
func TestUnderGarbageCollection(t *testing.T) {
	const n = 1 << 18
	lp := loss.LogProbs{
		PolicyChosen: make([]float64, n), PolicyRejected: make([]float64, n),
		ReferenceChosen: make([]float64, n), ReferenceRejected: make([]float64, n),
	}
	for i := range n {
		lp.PolicyChosen[i] = float64(i%97) / 8
		lp.PolicyRejected[i] = float64(i%89) / 8
	}
	var stop atomic.Bool
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for !stop.Load() {
			runtime.GC()
		}
	}()
	defer func() { stop.Store(true); <-stopped }()
	for _, l := range []loss.Loss{loss.DPO, loss.IPO, loss.SLiC} {
		want := mustOf(t, l, lp, l.Beta, n)
		for range 10 {
			got := mustOf(t, l, lp, l.Beta, n)
			near(t, l.Kind, got.Loss, want.Loss, 0)
			if !slices.Equal(got.GradChosen, want.GradChosen) {
				t.Fatalf("%s: the gradient changed between two equal calls", l.Kind)
			}
		}
	}
}

// TestThreadsAreOurs: gotorch sets the number of threads when it is initialised and may be asked
// to; the shim that it is linked with makes both do nothing.
func TestThreadsAreOurs(t *testing.T) {
	if err := device.Do(func() {
		if n := device.Threads(); n != 2 {
			t.Errorf("%d threads before, want 2", n)
		}
		gotorch.SetNumThreads(1)
		if n := device.Threads(); n != 2 {
			t.Errorf("%d threads after gotorch asked for one, want 2", n)
		}
	}); err != nil {
		t.Fatal(err)
	}
}
