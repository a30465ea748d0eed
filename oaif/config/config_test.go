package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/config"
)

// least is the shortest file that loads.
const least = `
[model]
path = "m.gguf"
[data]
train = "t.jsonl"
heldout = "h.jsonl"
[annotator]
file = "a.toml"
[run]
out = "runs/x"
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string, sets ...string) *config.Config {
	t.Helper()
	c, err := config.Load(write(t, text), sets)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadLaysFileOverDefaults(t *testing.T) {
	got := load(t, least+"[train]\nsteps = 7\n[optimizer]\nlearning_rate = 1\nbetas = [0, 0.5]\n")
	want := config.Default()
	want.Model.Path, want.Model.Reference = "m.gguf", "m.gguf"
	want.Data.Train, want.Data.Heldout = "t.jsonl", "h.jsonl"
	want.Annotator.File, want.Run.Out = "a.toml", "runs/x"
	want.Loss.Beta = 0.1
	want.Train.Steps = 7
	want.Optimizer.LearningRate, want.Optimizer.Betas = 1, [2]float64{0, 0.5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPaperBetas(t *testing.T) {
	for kind, want := range map[string]float64{"dpo": 0.1, "ipo": 1, "slic": 0.002} {
		if got := load(t, least, "loss.kind="+kind).Loss.Beta; got != want {
			t.Errorf("%s: beta %v, want %v", kind, got, want)
		}
		if got := load(t, least, "loss.kind="+kind, "loss.beta=0.5").Loss.Beta; got != 0.5 {
			t.Errorf("%s: a given beta became %v", kind, got)
		}
	}
}

func TestLivePrompts(t *testing.T) {
	for sets, want := range map[string]int{
		"eval.prompts=0": 64, "eval.prompts=256": 64, "eval.prompts=32": 32,
		"eval.prompts=256;eval.live_prompts=0": 256, "eval.live_prompts=0": 0,
	} {
		if got := load(t, least, strings.Split(sets, ";")...).Eval.LivePrompts; got != want {
			t.Errorf("%s: %d live prompts, want %d", sets, got, want)
		}
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	first := load(t, least,
		"model.eos=[2, 0]", "model.reference=other.gguf", "model.device=cuda:1",
		"model.dtype=float32", `data.template="Line one.\n\n\"{prompt}\" \\ ü\t"`,
		"optimizer.learning_rate=4e-5", "optimizer.eps=1e-12", "optimizer.betas=[0.8, 0.999]",
		"optimizer.weight_decay=0.1", "sampler.temperature=0.7000000000000001", "sampler.top_k=5",
		"sampler.top_p=0.95", "loss.kind=slic", "train.seed=9007199254740993",
		"train.recompute=true", "train.micro_batch=4", "optimizer.schedule=cosine",
		"optimizer.warmup_steps=3", "sampler.samples=4", "sampler.pair=best_worst",
		"loss.soft_targets=true", "loss.label_smoothing=0.1", "train.min_margin=0.05",
		"train.missing_eos_loses=true", "train.async=true",
		"eval.every=5", "eval.prompts=64", "train.threads=2",
		"run.out=runs/a b#c")
	for name, c := range map[string]*config.Config{"all keys": first, "defaults": load(t, least)} {
		var text bytes.Buffer
		if err := c.Encode(&text); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, load(t, text.String())); diff != "" {
			t.Errorf("%s: %s\n%s", name, diff, text.String())
		}
	}
}

func TestEncodeWritesEveryKey(t *testing.T) {
	var text bytes.Buffer
	if err := new(config.Config).Encode(&text); err != nil {
		t.Fatal(err)
	}
	keys := strings.Count(text.String(), " = ")
	if want := 44; keys != want {
		t.Errorf("%d keys written, want %d:\n%s", keys, want, text.String())
	}
}

func TestSets(t *testing.T) {
	tests := []struct {
		set string
		get func(*config.Config) any
		is  any
	}{
		{"train.steps=3", func(c *config.Config) any { return c.Train.Steps }, 3},
		{" train.steps = 1_000 ", func(c *config.Config) any { return c.Train.Steps }, 1000},
		{"optimizer.eps=1", func(c *config.Config) any { return c.Optimizer.Eps }, 1.0},
		{"model.path=a/b-c.gguf", func(c *config.Config) any { return c.Model.Path }, "a/b-c.gguf"},
		{`model.path="a b"`, func(c *config.Config) any { return c.Model.Path }, "a b"},
		{"model.path='a\\b'", func(c *config.Config) any { return c.Model.Path }, `a\b`},
		{"run.out=2026", func(c *config.Config) any { return c.Run.Out }, "2026"},
		{"run.out=2026-01-02", func(c *config.Config) any { return c.Run.Out }, "2026-01-02"},
		{"run.out=true", func(c *config.Config) any { return c.Run.Out }, "true"},
		{"run.out=a=b", func(c *config.Config) any { return c.Run.Out }, "a=b"},
		{"data.template=", func(c *config.Config) any { return c.Data.Template }, ""},
		{"data.template=x\n[run]\n{prompt}", func(c *config.Config) any { return c.Data.Template },
			"x\n[run]\n{prompt}"},
		{"data.chat=true", func(c *config.Config) any { return c.Data.Chat }, true},
		{"model.eos=[]", func(c *config.Config) any { return len(c.Model.EOS) }, 0},
	}
	for _, test := range tests {
		if got := test.get(load(t, least, test.set)); got != test.is {
			t.Errorf("%q gave %#v, want %#v", test.set, got, test.is)
		}
	}
	if got := load(t, least, "train.steps=3", "train.steps=4").Train.Steps; got != 4 {
		t.Errorf("the last of two sets must win, got %d", got)
	}
}

func TestDefaultsAreValidButForPaths(t *testing.T) {
	want := []string{"model.path", "data.train", "data.heldout", "annotator.file", "run.out"}
	err := config.Default().Validate()
	var got []string
	for _, line := range strings.Split(err.Error(), "\n") {
		key, _, _ := strings.Cut(line, ":")
		got = append(got, key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, oaif.ErrUsage) {
		t.Error("not a usage error")
	}
}
