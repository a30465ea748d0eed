package trainer_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/trainer"
)

// scoring is a pointwise annotator: an answer's score is a function of its text.
func scoring(score func(text string) float64) judge {
	return func(q oaif.Question) oaif.Preference {
		p := oaif.Preference{ScoreA: score(q.A), ScoreB: score(q.B), Verdict: oaif.VerdictTie}
		p.PA = 1 / (1 + math.Exp(p.ScoreB-p.ScoreA))
		switch {
		case p.PA > .5:
			p.Verdict = oaif.VerdictA
		case p.PA < .5:
			p.Verdict = oaif.VerdictB
		}
		return p
	}
}

// byHash is a score that says nothing of a text, and is another one for each.
func byHash(text string) float64 {
	h := fnv.New32a()
	h.Write([]byte(text))
	return float64(h.Sum32()%1000) / 500
}

// unreadable is an answer that no annotator can score.
func unreadable(text string) bool { return int(math.Round(500*byHash(text)))%3 == 0 }

// sampled takes a step of a varied run of four answers a prompt and returns the groups that were
// sampled, by place, with the lines of pairs.jsonl.
func sampled(
	t *testing.T, a oaif.Annotator, aside bool, sets ...string,
) (groups []oaif.Group, lines []map[string]any) {
	t.Helper()
	tr, out := varied(t, a, append(sets, "sampler.samples=4")...)
	if aside {
		tr.AskBeside()
	}
	groups = make([]oaif.Group, 7)
	tr.WrapSampler(func(s oaif.Sampler) oaif.Sampler {
		return listener{Sampler: s, before: func(ended []oaif.Group) {
			for _, g := range ended {
				groups[g.Place] = g
			}
		}}
	})
	if err := tr.Step(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	lines = objects(t, filepath.Join(out, "pairs.jsonl"))
	if len(lines) != 7 {
		t.Fatalf("%d pairs written", len(lines))
	}
	return groups, lines
}

// drawn checks that a line's answers are those of the group that it says, and returns which.
func drawn(t *testing.T, g oaif.Group, l map[string]any) (a, b int) {
	t.Helper()
	two := l["drawn"].([]any)
	a, b = int(two[0].(float64)), int(two[1].(float64))
	textA, textB := l["a"].(map[string]any)["text"], l["b"].(map[string]any)["text"]
	if a >= b || textA != g.Answers[a].Text || textB != g.Answers[b].Text {
		t.Errorf("pair written as %v, sampled %v", l, g.Answers)
	}
	return a, b
}

// TestBestWorst: the pair is the answer of the highest score and that of the lowest, each text
// scored at most twice; the scores of all are written down.
func TestBestWorst(t *testing.T) {
	for _, aside := range []bool{false, true} {
		var texts atomic.Int32
		a := judge(func(q oaif.Question) oaif.Preference {
			texts.Add(2)
			return scoring(byHash)(q)
		})
		groups, lines := sampled(t, a, aside, "sampler.pair=best_worst")
		for i, g := range groups {
			a, b := drawn(t, g, lines[i])
			low, high := math.Inf(1), math.Inf(-1)
			for k, c := range g.Answers {
				score := byHash(c.Text)
				low, high = min(low, score), max(high, score)
				if lines[i]["scores"].([]any)[k] != score {
					t.Errorf("answer %d has score %g, written %v", k, score, lines[i]["scores"])
				}
			}
			scoreA, scoreB := byHash(g.Answers[a].Text), byHash(g.Answers[b].Text)
			if min(scoreA, scoreB) != low || max(scoreA, scoreB) != high {
				t.Errorf("pair of %g and %g, sampled %g to %g", scoreA, scoreB, low, high)
			}
			want := map[bool]string{true: "a", false: "b"}[scoreA > scoreB]
			p := lines[i]["p_a"].(float64)
			if low == high || lines[i]["chosen"] != want ||
				math.Abs(p-1/(1+math.Exp(scoreB-scoreA))) > 1e-12 {
				t.Errorf("pair of %g and %g written as %v", scoreA, scoreB, lines[i])
			}
		}
		if n := texts.Load(); n < 3*7 || n > 4*7 {
			t.Errorf("%d texts were scored for 28 answers", n)
		}
	}
}

// TestBestWorstUnreadable: an answer without a score is in no pair; a prompt with fewer than two
// scores has no verdict.
func TestBestWorstUnreadable(t *testing.T) {
	readable := scoring(byHash)
	a := judge(func(q oaif.Question) oaif.Preference {
		if unreadable(q.A) || unreadable(q.B) {
			return oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "no answer"}
		}
		return readable(q)
	})
	groups, lines := sampled(t, a, false, "sampler.pair=best_worst")
	kept, invalid := 0, 0
	for i, g := range groups {
		a, b := drawn(t, g, lines[i])
		scores := lines[i]["scores"].([]any)
		if lines[i]["skipped"] == "invalid" {
			invalid++
			if lines[i]["reason"] != "no answer" || lines[i]["chosen"] != "" {
				t.Errorf("pair written as %v", lines[i])
			}
			continue
		}
		kept++
		if scores[a] == nil || scores[b] == nil || unreadable(g.Answers[a].Text) ||
			unreadable(g.Answers[b].Text) {
			t.Errorf("pair written as %v", lines[i])
		}
	}
	if kept == 0 || invalid == 0 {
		t.Errorf("%d pairs kept, %d invalid: too few of one kind to tell", kept, invalid)
	}
}

// TestBestWorstWithMissingEOS: an answer that has ended is better than every one that was cut.
func TestBestWorstWithMissingEOS(t *testing.T) {
	groups, lines := sampled(t, scoring(byHash), false, "sampler.pair=best_worst",
		"train.missing_eos_loses=true", "sampler.max_new_tokens=4")
	mixed := 0
	for i, g := range groups {
		a, b := drawn(t, g, lines[i])
		ended := map[bool][]float64{}
		for _, c := range g.Answers {
			has := c.Finish == oaif.FinishEOS
			ended[has] = append(ended[has], byHash(c.Text))
		}
		if len(ended[true]) == 0 || len(ended[false]) == 0 {
			continue
		}
		mixed++
		best, worst := a, b
		if lines[i]["chosen"] == "b" {
			best, worst = b, a
		}
		if lines[i]["reason"] != "missing_eos" ||
			byHash(g.Answers[best].Text) != slices.Max(ended[true]) ||
			byHash(g.Answers[worst].Text) != slices.Min(ended[false]) {
			t.Errorf("pair written as %v, sampled %v", lines[i], g.Answers)
		}
	}
	if mixed < 2 {
		t.Errorf("%d groups are mixed: too few to tell", mixed)
	}
}

// TestRandomPair: the texts of a pair differ where any do, and which two they are is a function of
// the seed, step and prompt.
func TestRandomPair(t *testing.T) {
	var seen []string
	for _, sets := range [][]string{{"sampler.pair=random"}, {}, {"train.seed=2"}} {
		groups, lines := sampled(t, judge(whim), len(sets) == 0, sets...)
		all := ""
		for i, g := range groups {
			a, b := drawn(t, g, lines[i])
			all += fmt.Sprint(a, b, ";")
			if g.Answers[a].Text == g.Answers[b].Text || lines[i]["scores"] != nil {
				t.Errorf("pair written as %v", lines[i])
			}
		}
		seen = append(seen, all)
		pairs := strings.Split(all, ";")
		slices.Sort(pairs)
		if n := len(slices.Compact(pairs)); n < 4 {
			t.Errorf("7 prompts have pairs %s", all)
		}
	}
	if seen[0] != seen[1] || seen[0] == seen[2] {
		t.Errorf("drawn %q", seen)
	}
}

// TestAllAnswersAlike: where no two texts differ, the pair is identical, and nobody is asked to
// rank it.
func TestAllAnswersAlike(t *testing.T) {
	for _, pair := range []string{"best_worst", "random"} {
		a := judge(func(q oaif.Question) oaif.Preference {
			if pair == "best_worst" {
				t.Errorf("asked %v", q)
			}
			return oaif.Preference{Verdict: oaif.VerdictTie, PA: .5, Reason: "identical"}
		})
		groups, lines := sampled(t, a, false, "sampler.top_k=1", "sampler.pair="+pair)
		for i, l := range lines {
			if a, b := drawn(t, groups[i], l); a != 0 || b != 1 || l["skipped"] != "identical" {
				t.Errorf("%s: pair written as %v", pair, l)
			}
		}
	}
}

// TestBestWorstNeedsScores: an annotator that compares cannot rank.
func TestBestWorstNeedsScores(t *testing.T) {
	path := workplace(t, pairwise)
	best := "sampler.pair=best_worst"
	refused(t, load(t, path, best, "sampler.samples=3"), false, oaif.ErrUsage,
		`sampler.pair: "best_worst" needs a score of each answer`, `kind = "pairwise" of `)
	if _, err := trainer.EstimateRun(load(t, path, best, "sampler.samples=3")); err == nil {
		t.Error("estimated")
	}
	open(t, load(t, path, best), false, &watcher{}) // two answers need no ranking
}

// TestEstimateOfMoreAnswers: ranking asks about two answers at a time, and evaluations know nothing
// of it.
func TestEstimateOfMoreAnswers(t *testing.T) {
	path := workplace(t, pointwise) // four steps of three prompts; evaluations of six and two
	for sets, want := range map[string]int{
		"": 12, "sampler.samples=4": 12, "sampler.samples=4 sampler.pair=best_worst": 24,
		"sampler.samples=5 sampler.pair=best_worst": 36,
	} {
		e, err := trainer.EstimateRun(load(t, path, strings.Fields(sets)...))
		if err != nil || e.Pairs != want+6+2 {
			t.Errorf("%q: %d pairs, %v; want %d", sets, e.Pairs, err, want+6+2)
		}
	}
}

// TestMoreAnswersLearn: the gradient of a pair of four answers is the one that a new forward pass
// gives, so what was recorded of it is looked up in the right place.
func TestMoreAnswersLearn(t *testing.T) {
	for _, how := range []string{"best_worst", "random"} {
		sets := []string{"sampler.samples=4", "sampler.pair=" + how}
		again, _ := varied(t, scoring(byHash), append(sets, "train.recompute=true")...)
		kept, _ := varied(t, scoring(byHash), sets...)
		for step := 1; step <= 2; step++ {
			want := stepGradients(t, again, step)
			if d := off(stepGradients(t, kept, step), want, 1); !(d < 1e-5) {
				t.Errorf("%s, step %d: off by %g", how, step, d)
			}
		}
	}
}
