package report_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/report"
)

// write makes the report of a folder and returns its page.
func write(t *testing.T, f folder) string {
	t.Helper()
	dir := f.write(t)
	path, err := report.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	if path != filepath.Join(dir, "report.html") {
		t.Fatalf("the report lies at %s", path)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out := os.Getenv("REPORT_TEST_OUT"); out != "" { // to look at in a browser
		if err := os.WriteFile(filepath.Join(out, t.Name()+".html"), page, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return string(page)
}

func wants(t *testing.T, page string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

func TestFinishedRun(t *testing.T) {
	page := write(t, trainedRun())
	wants(t, page, "<h1>film</h1>", "Finished after 25 steps", "win rate by annotator", "90 %",
		"3 min 34 s", "19,200", "3.1 GB", "7.31 nats", "<td class=\"n\">23.7 → 23.8</td>")
	for _, title := range []string{"Win rate against the starting model", "Loss", "Reward margin",
		"Reward accuracy", "Annotator score", "KL to the reference", "Entropy",
		"Tokens in an answer",
		"How answers end", "Distinct-2", "Gradient norm", "Learning rate", "Sampler-trainer gap",
		"Pairs of a step", "Speed", "Memory", "Live tensor handles", "Seconds of a step",
		"Preference for answer a"} {
		wants(t, page, "<h4>"+title+"</h4>")
	}
	if strings.Contains(page, "<h4>Same position</h4>") ||
		strings.Contains(page, "Further metrics") {
		t.Error("a chart is shown that has no data")
	}
	if n := strings.Count(page, "<svg"); n != 19 {
		t.Errorf("%d images, want 19", n)
	}
	if strings.Contains(page, "class=\"none\"") {
		t.Error("a section is said to be missing")
	}
}

func TestPageFetchesNothing(t *testing.T) {
	page := write(t, trainedRun())
	for _, bad := range []string{"http:", "https:", "<script", "<link", "<img", "@import",
		"url(", "src=", "xlink"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, target := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		id := strings.TrimPrefix(target[1], "#")
		if id == target[1] || !strings.Contains(page, `id="`+id+`"`) {
			t.Errorf("the link %s leads out of the page", target[1])
		}
	}
	if left := regexp.MustCompile(`#0[123]00[0-9A-F]{2}|NaN|Inf|ZgotmplZ`).FindAllString(
		strings.ReplaceAll(page, "is NaN", ""), -1); left != nil {
		t.Errorf("the drawings hold %q", left)
	}
}

func TestTextsAreEscaped(t *testing.T) {
	f := trainedRun()
	attack := `<script>alert("x")</script><img src=y>`
	f["config.toml"] = "# " + attack
	f["eval/step-25.jsonl"] = jsonl([]object{{"index": 1, "prompt": attack, "answer": attack,
		"baseline": attack, "judges": object{attack: object{"verdict": "a"}}}})
	f["pairs.jsonl"] = jsonl(
		[]object{{"skipped": "invalid", "verdict": "invalid", "reason": attack}})
	f["summary.json"] = jsonl([]object{{"checks": object{attack: attack}, "evals": []object{
		{"judge": attack, "n": 1}}}})
	f["metrics.jsonl"] = jsonl([]object{{"step": 1, attack: 1}, {"step": 1, "eval": object{
		"judges": []object{{"judge": attack}}}}})
	page := write(t, f)
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") {
		t.Error("a text of the run became part of the page's markup")
	}
	if n := strings.Count(page, "&lt;script&gt;"); n < 10 {
		t.Errorf("the text is shown %d times, want it in every place", n)
	}
}

func TestBeforeAndAfterTable(t *testing.T) {
	page := write(t, trainedRun())
	wants(t, page, "12 of 40 held-out prompts", "at step 25", "&lt;b&gt;generous&lt;/b&gt;",
		"p = 0.83", "0 → 0.81", `<span class="pill win">win</span> vader`,
		`<span class="pill loss">loss</span> annotator`,
		`<span class="pill tie">tie</span> annotator`)
	for _, shown := range []string{"#700<", "#703<", "#736<"} { // every 40/12-th prompt
		wants(t, page, shown)
	}
	for _, step := range []string{"Step 0.", "Step 10.", "Step 20.", "Step 25."} {
		if n := strings.Count(page, step); n != 12 {
			t.Errorf("%q is shown %d times, want 12", step, n)
		}
	}
}

func TestAnnotatorHealth(t *testing.T) {
	// 400 pairs: 10 ties, 4 identical, 2 invalid, 384 trained on.
	page := write(t, trainedRun())
	wants(t, page, `<td class="n">400</td>`, `<td class="n">384</td><td class="note">96 % of 400`,
		`<td class="n">10</td><td class="note">2.5 % of 400`,
		`<td class="n">4</td><td class="note">1 % of 400`,
		`<td class="n">2</td><td class="note">0.5 % of 400`, "394 pairs", "is NaN")
	if strings.Contains(page, "answers by position:") {
		t.Error("a pointwise annotator is said to answer by position")
	}
}

func TestAnnotatorThatAnswersByPosition(t *testing.T) {
	f := trainedRun()
	var rows []object
	for range 20 {
		rows = append(rows, object{"verdict": "a", "chosen": "a", "p_a": .55, "orders": []object{
			{"first": "a", "p_first": .9}, {"first": "b", "p_first": .8}}})
	}
	f["pairs.jsonl"] = jsonl(rows)
	f["metrics.jsonl"] = jsonl([]object{{"step": 1, "same_position_rate": 1}})
	wants(t, write(t, f), "Warning:", "answers by position", "<h4>Same position</h4>",
		"Same position in both orders", `<td class="n">100 %</td>`)
}

func TestUnknownMetricsAreShown(t *testing.T) {
	f := trainedRun()
	f["metrics.jsonl"] = jsonl([]object{{"step": 1, "new_number": 1, "list": []int{1}, "none": nil},
		{"step": 2, "new_number": 2}, {"step": 2, "eval": object{"other_number": 3}}})
	wants(t, write(t, f), "Further metrics", "<h4>new number</h4>", "<h4>other number</h4>")
}

func TestMissingFilesLeaveTheirSectionOut(t *testing.T) {
	sentences := map[string]string{
		"config.toml": "no config.toml", "metrics.jsonl": "no training curves",
		"system.jsonl": "no times of single steps", "pairs.jsonl": "verdicts cannot be summed up",
		"summary.json": "Not finished: step 25", "eval/": "no answers to show",
	}
	for name, sentence := range sentences {
		f := trainedRun()
		for file := range f {
			if strings.HasPrefix(file, name) {
				delete(f, file)
			}
		}
		page := write(t, f)
		wants(t, page, sentence)
		for other, not := range sentences {
			if other != name && strings.Contains(page, not) {
				t.Errorf("without %s the page says %q", name, not)
			}
		}
	}
}

func TestRunThatJustBegan(t *testing.T) {
	page := write(t, folder{"config.toml": "x = 1\n", "metrics.jsonl": "", "pairs.jsonl": "\n"})
	wants(t, page, "Not finished: step 0", "no win rate to draw", "No judge has compared",
		"no training curves", "no answers to show")
	one := trainedRun()
	delete(one, "summary.json")
	for _, name := range []string{"metrics.jsonl", "system.jsonl"} {
		first, _, _ := strings.Cut(one[name], "\n")
		one[name] = first // one line, and no line end
	}
	wants(t, write(t, one), "win rate by annotator", "wall time so far", "7.2 s")
}

func TestLongRunKeepsASmallReport(t *testing.T) {
	f := trainedRun()
	var metrics, system []object
	for step := range 20_000 {
		metrics = append(metrics, object{"step": step, "loss": 1 / float64(step+1)})
		system = append(system, stepSystem(step))
	}
	f["metrics.jsonl"], f["system.jsonl"] = jsonl(metrics), jsonl(system)
	if page := write(t, f); len(page) > 300_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestBrokenFilesAreRefused(t *testing.T) {
	for _, test := range []struct{ file, content, want string }{
		{"metrics.jsonl", "{\"step\":1}\n{\"step\":2,\"lo", "metrics.jsonl:2: broken JSON"},
		{"metrics.jsonl", "{\"step\":1,\"loss\":NaN}\n", "metrics.jsonl:1: broken JSON"},
		{"metrics.jsonl", "{\"step\":1,\"loss\":\"x\"}\n",
			`metrics.jsonl:1: "loss" wants a JSON number`},
		{"metrics.jsonl", "{\"step\":1,\"loss\":1e999}\n", `metrics.jsonl:1: "loss"`},
		{"metrics.jsonl", "{\"loss\":1}\n", `metrics.jsonl:1: has no "step"`},
		{"metrics.jsonl", "{\"step\":1,\"eval\":[]}\n", "metrics.jsonl:1: wants a JSON object"},
		{"metrics.jsonl", "{\"step\":1,\"eval\":{\"kl_nats\":true}}\n",
			`metrics.jsonl:1: "kl_nats"`},
		{"metrics.jsonl", "\n\n[1]\n", "metrics.jsonl:3: wants a JSON object"},
		{"metrics.jsonl", "{\"step\":1}\n\xff\n", "metrics.jsonl:2: invalid UTF-8"},
		{"system.jsonl", "{\"step\":1,\"seconds\":\"a\"}\n", `system.jsonl:1: "seconds"`},
		{"pairs.jsonl", "{\"p_a\":.5}\n", "pairs.jsonl:1: broken JSON"},
		{"pairs.jsonl", "{\"p_a\":1.5}\n", `pairs.jsonl:1: "p_a" is 1.5`},
		{"eval/step-25.jsonl", "{\"index\":0}\n{\n", "eval/step-25.jsonl:2: broken JSON"},
		{"summary.json", "{\"steps\":", "summary.json:1: broken JSON"},
	} {
		f := trainedRun()
		f[test.file] = test.content
		f["report.html"] = "old"
		dir := f.write(t)
		_, err := report.Write(dir)
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), test.want) ||
			!strings.HasPrefix(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s with %.30q: error %v, want %q", test.file, test.content, err, test.want)
		}
		if old, err := os.ReadFile(filepath.Join(dir, "report.html")); string(old) != "old" {
			t.Errorf("%s: the old report became %.20q, %v", test.file, old, err)
		}
	}
}

func TestFoldersWithoutARun(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	empty := folder{"notes.txt": "x", "metrics.jsonl": ""}.write(t)
	for _, dir := range []string{missing, empty} {
		_, err := report.Write(dir)
		if !errors.Is(err, oaif.ErrData) ||
			!strings.Contains(err.Error(), dir+": is no run folder") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("the missing folder was made")
	}
}
