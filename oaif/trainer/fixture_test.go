package trainer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/trainer"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// tiny is the configuration of every test's run: folder is filled in, and sets are added.
const tiny = `
[model]
path = "%[1]s/model"
device = "%[2]s"
dtype = "float32"
[data]
train = "%[1]s/train.jsonl"
heldout = "%[1]s/heldout.jsonl"
[sampler]
max_new_tokens = 6
[annotator]
file = "%[1]s/judge.toml"
[optimizer]
learning_rate = 1e-2
[train]
steps = 4
prompts_per_step = 3
checkpoint_every = 1
threads = 1
[eval]
every = 2
live_prompts = 2
[run]
out = "%[1]s/run"
`

const pointwise = `
kind = "pointwise"
prompt = "{prompt}{response}"
positive = "a"
negative = "b"
`

const pairwise = `
kind = "pairwise"
prompt = "{prompt}[{a}][{b}]"
labels = ["1", "2"]
`

// workplace makes a folder with the tiny model, prompts and an annotator. It returns the path of
// the configuration.
func workplace(t *testing.T, annotator string) string {
	t.Helper()
	dir := t.TempDir()
	if err := modeltest.Write(filepath.Join(dir, "model")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "train.jsonl"), promptLines("abcdefg"))
	write(t, filepath.Join(dir, "heldout.jsonl"), promptLines("uvwxyz"))
	write(t, filepath.Join(dir, "judge.toml"), annotator)
	path := filepath.Join(dir, "run.toml")
	write(t, path, fmt.Sprintf(tiny, dir, torchtest.Spec()))
	return path
}

// promptLines makes a prompt of each letter.
func promptLines(letters string) string {
	var b strings.Builder
	for i, r := range letters {
		fmt.Fprintf(&b, "{\"prompt\": %q}\n", strings.Repeat(string(r), i+1))
	}
	return b.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func load(t *testing.T, path string, sets ...string) *config.Config {
	t.Helper()
	cfg, err := config.Load(path, sets)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// open sets a run up. At the test's end no handle may be left.
func open(t *testing.T, cfg *config.Config, resume bool, o trainer.Observer) *trainer.Trainer {
	t.Helper()
	before := torch.LiveHandles()
	tr, err := trainer.New(context.Background(), cfg, resume, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		if n := torch.LiveHandles(); n != before {
			t.Errorf("%d handles left", n-before)
		}
	})
	return tr
}

// train runs a configuration to its end and returns the run folder.
func train(t *testing.T, path string, sets ...string) string {
	t.Helper()
	cfg := load(t, path, sets...)
	t.Run("run", func(t *testing.T) {
		if err := open(t, cfg, false, &watcher{}).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
	return cfg.Run.Out
}

// watcher collects what an observer is told. hook, when set, is called at everything that happens.
type watcher struct {
	hook     func()
	steps    []trainer.Metrics
	evals    []eval.Record
	warnings []string
}

func (w *watcher) Stage(string) { w.happened() }

func (w *watcher) Step(m trainer.Metrics, _ float64) {
	w.steps = append(w.steps, m)
	w.happened()
}

func (w *watcher) Eval(_ int, r eval.Record, _ bool) {
	w.evals = append(w.evals, r)
	w.happened()
}

func (w *watcher) Warn(text string) { w.warnings = append(w.warnings, text) }

func (w *watcher) happened() {
	if w.hook != nil {
		w.hook()
	}
}

// judge is an annotator that is a function of one question.
type judge func(oaif.Question) oaif.Preference

func (j judge) Annotate(_ context.Context, questions []oaif.Question) ([]oaif.Preference, error) {
	out := make([]oaif.Preference, len(questions))
	for i, q := range questions {
		out[i] = j(q)
	}
	return out, nil
}

// objects decodes the lines of a JSON Lines file in a run folder.
func objects(t *testing.T, path string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range bytes.Lines(read(t, path)) {
		var o map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, o)
	}
	return out
}

// lastCheckpoint is a finished run's, by its number of steps.
func lastCheckpoint(out string, steps int) string {
	return filepath.Join(out, "checkpoints", fmt.Sprintf("step-%d", steps))
}

// sameResults fails the test unless two finished runs of steps steps left the same bytes.
func sameResults(t *testing.T, got, want string, steps int) {
	t.Helper()
	for _, name := range results(want, steps) {
		a, err := os.ReadFile(filepath.Join(got, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(a, read(t, filepath.Join(want, name))) {
			t.Errorf("%s differs", name)
		}
	}
}

// results are the files of a run that depend on no clock.
func results(out string, steps int) []string {
	cp, err := filepath.Rel(out, lastCheckpoint(out, steps))
	if err != nil {
		panic(err) // both paths are made from out
	}
	return []string{
		filepath.Join(cp, "weights"), filepath.Join(cp, "optimizer"), "pairs.jsonl",
		"metrics.jsonl", "model/model.safetensors", "eval/step-0.jsonl",
		fmt.Sprintf("eval/step-%d.jsonl", steps),
	}
}
