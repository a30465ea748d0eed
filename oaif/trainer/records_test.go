package trainer_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/trainer"
	"github.com/oaif/oaif/oaif/weights"
)

func keys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func wantKeys(t *testing.T, what string, got map[string]any, want string) {
	t.Helper()
	fields := strings.Fields(want)
	slices.Sort(fields)
	if !slices.Equal(keys(got), fields) {
		t.Errorf("%s has the fields %v, want %v", what, keys(got), fields)
	}
}

const (
	metricsFields = `step loss reward_margin reward_accuracy annotator_score kl_nats entropy_nats
		completion_tokens eos_rate truncation_rate distinct2 pairs kept skipped_identical
		skipped_tie skipped_invalid logprob_gap_mean logprob_gap_max learning_rate grad_norm`
	evalFields = `judges kl_nats entropy_nats mean_tokens baseline_mean_tokens distinct2
		baseline_distinct2 eos_rate truncation_rate`
	systemFields = `step time seconds stage_seconds tokens tokens_per_second live_handles
		rss_bytes peak_rss_bytes`
	answerFields = "text ids logprobs ref_logprob finish"
)

// TestRecords checks the fields of every log: no clock, rate or memory is in those that are
// compared byte by byte.
func TestRecords(t *testing.T) {
	out := train(t, workplace(t, pairwise))
	steps, evals := 0, 0
	for _, m := range objects(t, filepath.Join(out, "metrics.jsonl")) {
		e, isEval := m["eval"].(map[string]any)
		if !isEval {
			steps++
			wantKeys(t, "a step", m, metricsFields+" same_position_rate")
			continue
		}
		evals++
		wantKeys(t, "an evaluation's line", m, "step eval")
		wantKeys(t, "an evaluation", e, evalFields)
		for i, j := range e["judges"].([]any) {
			wantKeys(t, "a judge", j.(map[string]any), "judge n win tie loss win_rate ci95")
			if name := j.(map[string]any)["judge"]; name != []string{"annotator", "vader"}[i] {
				t.Errorf("judge %d is %v", i, name)
			}
		}
	}
	if steps != 4 || evals != 3 {
		t.Errorf("%d steps and %d evaluations, want 4 and 3: at the start, after 2 and 4",
			steps, evals)
	}
	for _, p := range objects(t, filepath.Join(out, "pairs.jsonl")) {
		wantKeys(t, "a pair", p,
			"step index prompt prompt_ids a b p_a verdict orders chosen skipped")
		wantKeys(t, "an answer", p["a"].(map[string]any), answerFields)
		wantKeys(t, "an answer", p["b"].(map[string]any), answerFields)
		wantKeys(t, "an order", p["orders"].([]any)[0].(map[string]any), "first p_first")
	}
	for _, s := range objects(t, filepath.Join(out, "system.jsonl")) {
		wantKeys(t, "a system line", s, systemFields)
	}
	for _, e := range objects(t, filepath.Join(out, "eval", "step-2.jsonl")) {
		wantKeys(t, "an evaluated prompt", e,
			"index prompt answer baseline answer_ids baseline_ids finish kl_nats judges")
	}
}

// TestPointwiseRecords: with a pointwise annotator there is no position, but there are scores.
func TestPointwiseRecords(t *testing.T) {
	out := train(t, workplace(t, pointwise), "train.steps=1")
	wantKeys(t, "a step", objects(t, filepath.Join(out, "metrics.jsonl"))[1], metricsFields)
	wantKeys(t, "a pair", objects(t, filepath.Join(out, "pairs.jsonl"))[0],
		"step index prompt prompt_ids a b p_a verdict score_a score_b chosen skipped")
}

// TestHandlesStayFlat: from the first step on, which may make what later ones use again, no step,
// evaluation or checkpoint leaves a tensor behind.
func TestHandlesStayFlat(t *testing.T) {
	out := train(t, workplace(t, pointwise), "train.steps=6", "eval.every=1", "train.micro_batch=2")
	lines := objects(t, filepath.Join(out, "system.jsonl"))
	if len(lines) < 18 {
		t.Fatalf("only %d lines", len(lines))
	}
	lines = slices.DeleteFunc(lines, func(l map[string]any) bool { return l["step"] == 0.0 })
	first := lines[0]["live_handles"]
	for _, l := range lines {
		if l["live_handles"] != first {
			t.Errorf("step %v has %v live handles, the first %v",
				l["step"], l["live_handles"], first)
		}
	}
}

// TestLogprobsAgree: at the start the sampler, the trainer and the reference are the same model.
func TestLogprobsAgree(t *testing.T) {
	m, _ := firstStep(t, workplace(t, pointwise))
	if m.GapMax > 1e-4 || m.GapMean > m.GapMax {
		t.Errorf("the sampler's and the trainer's log-probs differ by up to %g, mean %g",
			m.GapMax, m.GapMean)
	}
	if m.KL > 1e-4 || m.KL < -1e-4 || m.RewardMargin > 1e-4 || m.RewardMargin < -1e-4 {
		t.Errorf("KL %g and margin %g before the first step", m.KL, m.RewardMargin)
	}
	if m.Entropy < 1 || m.Entropy > 5.6 { // ln 258 = 5.55
		t.Errorf("entropy %g", m.Entropy)
	}
}

// TestOutcome: a finished run leaves a summary, a report, its resolved config and a model that
// opens.
func TestOutcome(t *testing.T) {
	path := workplace(t, pointwise)
	out := train(t, path, manyEnds)
	var s trainer.Summary
	if err := json.Unmarshal(read(t, filepath.Join(out, "summary.json")), &s); err != nil {
		t.Fatal(err)
	}
	tokens, skipped := 0, 0
	for _, p := range objects(t, filepath.Join(out, "pairs.jsonl")) {
		for _, side := range []string{"a", "b"} {
			tokens += len(p[side].(map[string]any)["ids"].([]any))
		}
		if p["skipped"] != "" {
			skipped++
		}
	}
	if s.Steps != 4 || s.Tokens != tokens || len(s.Evals) != 2 || s.Seconds <= 0 || s.PeakRSS <= 0 {
		t.Errorf("summary %+v, with %d sampled tokens", s, tokens)
	}
	if got := s.Skipped.Identical + s.Skipped.Tie + s.Skipped.Invalid; got != skipped {
		t.Errorf("%d skipped pairs in the summary, %d in pairs.jsonl", got, skipped)
	}
	stages := strings.Fields("sample annotate reference train optimize eval checkpoint")
	for _, stage := range stages {
		if s.Stages[stage] <= 0 {
			t.Errorf("no time in stage %s", stage)
		}
	}
	html := string(read(t, filepath.Join(out, "report.html")))
	if !strings.Contains(html, "<html") {
		t.Error("report.html is no page")
	}
	m, err := weights.Open(filepath.Join(out, "model"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }() // only read from
	if got := m.EOS(); len(got) != 27 {
		t.Errorf("the model ends on %v, want the 26 configured ids and its own", got)
	}
	resolved := load(t, filepath.Join(out, "config.toml"))
	if resolved.Model.Device != "cpu" || resolved.Loss.Beta != .1 {
		t.Errorf("resolved config %+v", resolved)
	}
}

// TestExportedModelIsThePolicy: model/ holds the very weights of the last checkpoint, so that a run
// may start where another one ended.
func TestExportedModelIsThePolicy(t *testing.T) {
	path := workplace(t, pointwise)
	out := train(t, path)
	next := filepath.Join(filepath.Dir(path), "next")
	tr := open(t, load(t, path, "model.path="+out+"/model", "run.out="+next), false, &watcher{})
	got, err := tr.Weights()
	if err != nil {
		t.Fatal(err)
	}
	blob := read(t, filepath.Join(lastCheckpoint(out, 4), "weights"))
	if len(blob) != 4*len(got) {
		t.Fatalf("%d weights in the model, %d bytes in the checkpoint", len(got), len(blob))
	}
	resumed := open(t, load(t, path), true, &watcher{})
	want, err := resumed.Weights()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the exported model is not the trained policy: %v", err)
	}
}

// TestStopBeforeTheFirstStep: a stop that was asked for at once leaves a run that goes on from its
// beginning.
func TestStopBeforeTheFirstStep(t *testing.T) {
	path := workplace(t, pointwise)
	stopped, stop := context.WithCancel(context.Background())
	stop()
	t.Run("stopped", func(t *testing.T) {
		err := open(t, load(t, path), false, &watcher{}).Run(stopped)
		if err == nil || !strings.Contains(err.Error(), "--resume") {
			t.Errorf("got %v", err)
		}
	})
	w := &watcher{}
	cfg := load(t, path)
	if err := open(t, cfg, true, w).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(w.steps) != 4 || len(w.warnings) != 1 {
		t.Errorf("%d steps, warnings %q", len(w.steps), w.warnings)
	}
	if _, err := os.Stat(filepath.Join(cfg.Run.Out, "report.html")); err != nil {
		t.Error(err)
	}
}
