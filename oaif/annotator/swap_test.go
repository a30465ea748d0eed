package annotator_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// hashLM answers by a hash of the LM prompt, in float32 as a model does.
func hashLM(text string) []float64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	if strings.Contains(text, "bad") {
		return []float64{math.NaN(), -1}
	}
	return []float64{float64(float32(-6 * rng.Float64())), float64(float32(-6 * rng.Float64()))}
}

// Swapping two answers swaps what is said of them and nothing else: p_a becomes 1-p_a, verdicts and
// scores change places, ties, identical answers and unreadable verdicts stay what they are.
func TestSwappedAnswersSwapTheVerdict(t *testing.T) {
	other := map[oaif.Verdict]oaif.Verdict{
		oaif.VerdictA: oaif.VerdictB, oaif.VerdictB: oaif.VerdictA,
		oaif.VerdictTie: oaif.VerdictTie, oaif.VerdictInvalid: oaif.VerdictInvalid,
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var there, back []oaif.Question
	for i := range 400 {
		q := oaif.Question{Fields: map[string]string{"prompt": fmt.Sprint(i), "topic": "tone"},
			A: fmt.Sprint(rng.IntN(8)), B: fmt.Sprint(rng.IntN(8))}
		if rng.IntN(10) == 0 {
			q.A += " bad"
		}
		there = append(there, q)
		q.A, q.B = q.B, q.A
		back = append(back, q)
	}
	for _, spec := range []string{pointSpec, pairSpec, "tie_margin = 0.1\n" + pairSpec} {
		a, err := annotator.New(load(t, spec), annotator.Local(&fakeLM{answer: hashLM}))
		if err != nil {
			t.Fatal(err)
		}
		first, err := a.Annotate(context.Background(), there)
		if err != nil {
			t.Fatal(err)
		}
		second, err := a.Annotate(context.Background(), back)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[oaif.Verdict]int{}
		for i, p := range first {
			s := second[i]
			seen[p.Verdict]++
			if s.Verdict != other[p.Verdict] || s.ScoreA != p.ScoreB || s.ScoreB != p.ScoreA ||
				len(s.Orders) != len(p.Orders) {
				t.Errorf("%+v, swapped %+v", p, s)
			}
			if p.Verdict != oaif.VerdictInvalid && math.Abs(p.PA+s.PA-1) > 1e-15 {
				t.Errorf("p_a %g, swapped %g", p.PA, s.PA)
			}
			for k, o := range p.Orders { // the same two presentations, the other one first
				if s.Orders[1-k].PFirst != o.PFirst {
					t.Errorf("orders %v, swapped %v", p.Orders, s.Orders)
				}
			}
		}
		if len(seen) != 4 || seen[oaif.VerdictTie] < 30 || seen[oaif.VerdictInvalid] < 10 {
			t.Errorf("too few of one kind to tell: %v", seen)
		}
	}
}
