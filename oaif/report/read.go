package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
)

// records is everything that was read of a run folder. A missing file leaves its zero value.
type records struct {
	dir     string
	config  string
	metrics []metric
	evals   []evalMetric // those of metrics.jsonl, by step
	system  []system
	pairs   *pairStats
	texts   []evalTexts // of eval/, by step
	summary *summary
}

// metric is the numbers of one step in metrics.jsonl.
type metric struct {
	step   int
	values map[string]float64
}

// evalMetric is the evaluation at one step in metrics.jsonl.
type evalMetric struct {
	Step   int
	Judges []judgement `json:"judges"`
	values map[string]float64
}

// judgement is one judge's tally of the model against the starting model.
type judgement struct {
	Judge   string     `json:"judge"`
	N       int        `json:"n"`
	Win     int        `json:"win"`
	Tie     int        `json:"tie"`
	Loss    int        `json:"loss"`
	WinRate float64    `json:"win_rate"` // in [0,1], a tie counts as half
	CI95    [2]float64 `json:"ci95"`
	// Mean lengths in tokens, of summary.json only.
	MeanTokens         float64 `json:"mean_tokens"`
	BaselineMeanTokens float64 `json:"baseline_mean_tokens"`
}

// system is one line of system.jsonl.
type system struct {
	Step            int                `json:"step"`
	Seconds         float64            `json:"seconds"`
	StageSeconds    map[string]float64 `json:"stage_seconds"`
	Tokens          float64            `json:"tokens"`
	TokensPerSecond float64            `json:"tokens_per_second"`
	LiveHandles     float64            `json:"live_handles"`
	RSSBytes        float64            `json:"rss_bytes"`
	PeakRSSBytes    float64            `json:"peak_rss_bytes"`
}

// summary is summary.json, which a run writes when it is done.
type summary struct {
	Steps        int                `json:"steps"`
	Seconds      float64            `json:"seconds"`
	Tokens       float64            `json:"tokens"`
	PeakRSSBytes float64            `json:"peak_rss_bytes"`
	KLNats       float64            `json:"kl_nats"`
	StageSeconds map[string]float64 `json:"stage_seconds"`
	Evals        []judgement        `json:"evals"`
	Skipped      map[string]int     `json:"skipped"`
	Checks       map[string]any     `json:"checks"`
}

// evalTexts is one file eval/step-N.jsonl.
type evalTexts struct {
	step int
	rows []evalRow
}

// evalRow is one prompt with the answers of both models.
type evalRow struct {
	Index    int                    `json:"index"`
	Prompt   string                 `json:"prompt"`
	Answer   string                 `json:"answer"`   // the trained model's
	Baseline string                 `json:"baseline"` // the starting model's
	Judges   map[string]judgeResult `json:"judges"`
}

// judgeResult is a verdict on a row: "a" is the trained model's answer, "b" the starting model's.
type judgeResult struct {
	Verdict       oaif.Verdict `json:"verdict"`
	PA            *float64     `json:"p_a"`
	Score         *float64     `json:"score"`
	BaselineScore *float64     `json:"baseline_score"`
}

func read(dir string) (*records, error) {
	r := &records{dir: dir}
	for _, load := range []func() error{
		r.readConfig, r.readMetrics, r.readSystem, r.readPairs, r.readTexts, r.readSummary,
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	if r.config == "" && r.metrics == nil && r.evals == nil && r.texts == nil && r.summary == nil {
		return nil, oaif.DataError(dir + ": is no run folder: it has no metrics.jsonl, " +
			"config.toml, summary.json or eval/step-N.jsonl with anything in it")
	}
	return r, nil
}

// file reads a whole file; a missing one is empty.
func (r *records) file(name string) ([]byte, error) {
	path := filepath.Join(r.dir, name)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, oaif.DataError(fmt.Sprintf("%s: cannot be read: %v", path, err))
	}
	return data, nil
}

// lines calls do with each record of a JSON Lines file, none when it is missing.
func (r *records) lines(name string, do func(prompts.Line) error) (err error) {
	path := filepath.Join(r.dir, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return oaif.DataError(fmt.Sprintf("%s: cannot be read: %v", path, err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for line, err := range prompts.Lines(f, path) {
		if err != nil {
			return err
		}
		if err := do(line); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) readConfig() error {
	data, err := r.file("config.toml")
	r.config = strings.ToValidUTF8(string(data), "\uFFFD")
	return err
}

func (r *records) readSummary() error {
	data, err := r.file("summary.json")
	if err != nil || len(data) == 0 {
		return err
	}
	r.summary = &summary{}
	line := prompts.Line{Name: filepath.Join(r.dir, "summary.json"), Number: 1, Data: data}
	return line.Decode(r.summary)
}

func (r *records) readSystem() error {
	return r.lines("system.jsonl", func(line prompts.Line) error {
		var row system
		r.system = append(r.system, row)
		return line.Decode(&r.system[len(r.system)-1])
	})
}

func (r *records) readMetrics() error {
	return r.lines("metrics.jsonl", func(line prompts.Line) error {
		var raw map[string]json.RawMessage
		if err := line.Decode(&raw); err != nil {
			return err
		}
		values, err := numbers(line, raw)
		if err != nil {
			return err
		}
		step, ok := values["step"]
		if !ok {
			return line.Errorf(`has no "step"`)
		}
		delete(values, "step")
		if len(values) > 0 {
			r.metrics = append(r.metrics, metric{int(step), values})
		}
		if raw["eval"] != nil {
			return r.addEval(line, int(step), raw["eval"])
		}
		return nil
	})
}

func (r *records) addEval(line prompts.Line, step int, data json.RawMessage) error {
	inner := prompts.Line{Name: line.Name, Number: line.Number, Data: data}
	eval := evalMetric{Step: step}
	var raw map[string]json.RawMessage
	if err := inner.Decode(&eval); err != nil {
		return err
	}
	if err := inner.Decode(&raw); err != nil {
		return err
	}
	var err error
	eval.values, err = numbers(inner, raw)
	r.evals = append(r.evals, eval)
	return err
}

// numbers returns the numbers of an object. null is a metric that a step does not have; objects and
// arrays are left to the caller.
func numbers(line prompts.Line, raw map[string]json.RawMessage) (map[string]float64, error) {
	values := map[string]float64{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		text := string(raw[key])
		if text == "null" || strings.ContainsAny(text[:1], "{[") {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, line.Errorf("%q wants a JSON number, got %s", key, text)
		}
		values[key] = value
	}
	return values, nil
}

func (r *records) readTexts() error {
	paths, err := fs.Glob(os.DirFS(r.dir), "eval/step-*.jsonl")
	if err != nil {
		return err
	}
	for _, path := range paths {
		digits := strings.TrimSuffix(strings.TrimPrefix(path, "eval/step-"), ".jsonl")
		step, err := strconv.Atoi(digits)
		if err != nil {
			continue
		}
		texts := evalTexts{step: step}
		err = r.lines(filepath.FromSlash(path), func(line prompts.Line) error {
			var row evalRow
			err := line.Decode(&row)
			texts.rows = append(texts.rows, row)
			return err
		})
		if err != nil {
			return err
		}
		if len(texts.rows) > 0 {
			r.texts = append(r.texts, texts)
		}
	}
	slices.SortFunc(r.texts, func(a, b evalTexts) int { return cmp.Compare(a.step, b.step) })
	return nil
}
