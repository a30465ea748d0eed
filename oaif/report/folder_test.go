package report_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder builds run folders for the tests: name to content.
type folder map[string]string

func (f folder) write(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "film")
	for name, content := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type object = map[string]any

func jsonl(rows []object) string {
	var out strings.Builder
	for _, row := range rows {
		data, err := json.Marshal(row)
		if err != nil {
			panic(err)
		}
		out.Write(append(data, '\n'))
	}
	return out.String()
}

const toySteps = 25

// trainedRun is the folder of a finished run of 25 steps with evaluations at 0, 10, 20 and 25.
func trainedRun() folder {
	f := folder{"config.toml": "[model]\npath = \"models/toy & co.gguf\"\n\n" +
		"[loss]\nkind = \"dpo\"\n"}
	var metrics, system []object
	for step := range toySteps + 1 {
		if step > 0 {
			metrics = append(metrics, stepMetrics(step))
		}
		if step%10 == 0 || step == toySteps {
			metrics = append(metrics, evalMetrics(step))
			f[fmt.Sprintf("eval/step-%d.jsonl", step)] = jsonl(evalTexts(step))
		}
		system = append(system, stepSystem(step))
	}
	f["metrics.jsonl"], f["system.jsonl"] = jsonl(metrics), jsonl(system)
	f["pairs.jsonl"] = jsonl(pairs())
	f["summary.json"] = jsonl([]object{runSummary()})
	return f
}

func stepMetrics(step int) object {
	x := float64(step) / toySteps
	wave := math.Sin(7 * float64(step))
	return object{"step": step, "loss": .693 - .3*x + .03*wave, "reward_margin": 1.2*x + .1*wave,
		"reward_accuracy": .5 + .35*x + .05*wave, "annotator_score": 2*x - 1 + .2*wave,
		"kl_nats": 8*x*x + .1*wave, "entropy_nats": 2.4 - .6*x, "completion_tokens": 23.5 + .2*wave,
		"eos_rate": .04, "truncation_rate": .96, "distinct2": .9 - .03*x, "same_position_rate": nil,
		"pairs": 16, "kept": 15, "skipped_identical": 0, "skipped_tie": 1, "skipped_invalid": 0,
		"logprob_gap_mean": .002, "logprob_gap_max": .04 + .01*wave,
		"learning_rate": 1e-5 * min(1, 5*x), "grad_norm": 30 + 5*wave}
}

func evalMetrics(step int) object {
	rate := .5 + .4*float64(step)/toySteps
	judge := func(name string, rate float64) object {
		win := int(256 * rate)
		return object{"judge": name, "n": 256, "win": win, "tie": 0, "loss": 256 - win,
			"win_rate": rate, "ci95": []float64{rate - .05, rate + .04}}
	}
	judges := []object{judge("annotator", rate), judge("vader", rate-.12*(rate-.5))}
	return object{"step": step, "eval": object{"kl_nats": 9 * rate * rate, "entropy_nats": 2.2,
		"mean_tokens": 23.8, "baseline_mean_tokens": 23.7, "distinct2": .88,
		"baseline_distinct2": .9, "eos_rate": .05, "judges": judges}}
}

func stepSystem(step int) object {
	stages := object{"sample": 2.1, "annotate": .6, "reference": .7, "train": 2.4, "optimize": .4,
		"eval": 0., "checkpoint": 0.}
	if step%10 == 0 {
		stages["eval"], stages["checkpoint"] = 11., 1.5
	}
	return object{"step": step, "time": "2026-03-01T10:00:00Z", "seconds": 7.2,
		"stage_seconds": stages, "tokens": 768,
		"tokens_per_second": 100 + 5*math.Sin(float64(step)), "live_handles": 812,
		"rss_bytes": 2.6e9, "peak_rss_bytes": 3.1e9}
}

func evalTexts(step int) []object {
	openings := []string{"From the first frame, the film", "I went in expecting little, and",
		"The lead actor carries", "By the second act"}
	rows := make([]object, 40)
	for i := range rows {
		rows[i] = object{"index": 700 + i, "prompt": openings[i%4] + fmt.Sprintf(" (%d)", i),
			"answer": fmt.Sprintf(" is a warm, <b>generous</b> delight that stays. Step %d.",
				step),
			"baseline": " is a film that was made in the year and it was released in the year.",
			"kl_nats":  6.1, "judges": object{
				"annotator": object{"verdict": []string{"a", "a", "b", "tie"}[i%4], "p_a": .83},
				"vader":     object{"verdict": "a", "score": .81, "baseline_score": .0}}}
	}
	return rows
}

func pairs() []object {
	rows := make([]object, 400)
	for i := range rows {
		pa := .5 + .5*math.Sin(float64(i)*1.7)
		row := object{"step": i/16 + 1, "index": i, "prompt": "p", "p_a": pa, "verdict": "a",
			"chosen": "a", "skipped": "", "reason": ""}
		switch {
		case i%40 == 7:
			row["verdict"], row["chosen"], row["skipped"], row["p_a"] = "tie", "", "tie", .5
		case i%100 == 9:
			row["verdict"], row["chosen"], row["skipped"] = "tie", "", "identical"
			row["reason"] = "identical"
		case i%200 == 11:
			row["verdict"], row["chosen"], row["skipped"] = "invalid", "", "invalid"
			row["reason"], row["p_a"] = "log-prob of \" positive\" is NaN", 0
		case pa < .5:
			row["verdict"], row["chosen"] = "b", "b"
		}
		rows[i] = row
	}
	return rows
}

func runSummary() object {
	judge := evalMetrics(toySteps)["eval"].(object)["judges"].([]object)
	for _, j := range judge {
		j["mean_tokens"], j["baseline_mean_tokens"] = 23.8, 23.7
	}
	return object{"steps": toySteps, "seconds": 214.3, "tokens": 19200, "peak_rss_bytes": 3.1e9,
		"kl_nats": 7.31, "stage_seconds": object{"sample": 54.6, "train": 62.4}, "evals": judge,
		"skipped": object{"identical": 4, "tie": 10, "invalid": 2},
		"checks": object{"distinct2_ratio": .978, "distinct_answers": .996,
			"concentration": object{"share": .12, "position": 3, "token": 1169, "passed": true},
			"lexicon":       object{"words": []string{"great", "warm", "love"}, "win_rate": .641}}}
}
