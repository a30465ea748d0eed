package config_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/config"
)

// fails loads text with sets, wants a usage error, and returns its lines with the file's path as
// FILE.
func fails(t *testing.T, text string, sets ...string) []string {
	t.Helper()
	path := write(t, text)
	c, err := config.Load(path, sets)
	if err == nil {
		t.Fatalf("%q %q loaded", text, sets)
	}
	if c != nil {
		t.Errorf("%q %q: a config came with the error", text, sets)
	}
	if !errors.Is(err, oaif.ErrUsage) {
		t.Errorf("%v is no usage error", err)
	}
	return strings.Split(strings.ReplaceAll(err.Error(), path, "FILE"), "\n")
}

func TestFileProblems(t *testing.T) {
	tests := []struct{ add, want string }{
		{"[train]\nstepz = 3", "FILE: train.stepz: unknown key; did you mean train.steps?"},
		{"[train]\nbetta = 3", "FILE: train.betta: unknown key; did you mean loss.beta?"},
		{"[train]\nlearning_rate = 1", "FILE: train.learning_rate: unknown key; " +
			"did you mean optimizer.learning_rate?"},
		{"[train]\nSteps = 3", "FILE: train.Steps: unknown key; did you mean train.steps?"},
		{"[trian]\nsteps = 3\nseed = 4",
			"FILE: trian: unknown key; did you mean the table [train]?"},
		{"[train.extra]\nx = 3", "FILE: train.extra: unknown key; did you mean "},
		{"[train]\n\"train.steps\" = 1",
			"FILE: train.\"train.steps\": unknown key; did you mean train.steps?"},
		{"[\"train.steps\"]\nx = 1",
			"FILE: \"train.steps\": unknown key; did you mean train.steps?"},
		{"[train]\n\"a\\nb\" = 1", "FILE: train.\"a\\nb\": unknown key; did you mean "},
		{"[[train]]\nsteps = 3", "FILE: train: wants a table, got a list of tables"},
		{"[train]\nsteps = 2.5", "FILE: train.steps: wants an integer, got the number 2.5"},
		{"[train]\nsteps = \"2\"", `FILE: train.steps: wants an integer, got the string "2"`},
		{"[train]\nrecompute = 1", "FILE: train.recompute: wants true or false, got the integer 1"},
		{"[train.steps]\nx = 1", "FILE: train.steps: wants an integer, got a table"},
		{"[optimizer]\neps = true", "FILE: optimizer.eps: wants a number, got true"},
		{"[optimizer]\neps = nan", "FILE: optimizer.eps: wants a finite number, got NaN"},
		{"[optimizer]\neps = inf", "FILE: optimizer.eps: wants a finite number, got +Inf"},
		{"[optimizer]\nbetas = [0.9]", "FILE: optimizer.betas: wants 2 values, got 1"},
		{"[optimizer]\nbetas = [0.9, \"x\"]",
			`FILE: optimizer.betas: value 2: wants a number, got the string "x"`},
		{"[optimizer]\nbetas = 0.9", "FILE: optimizer.betas: wants a list, got the number 0.9"},
		{"[loss]\nkind = 2026-01-01", "FILE: loss.kind: wants a string, got a date"},
	}
	for _, test := range tests {
		got := fails(t, least+test.add+"\n")
		if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("%q:\n got %q\nwant %q", test.add, got, test.want)
		}
	}
}

func TestSyntaxProblemsNameTheLine(t *testing.T) {
	tests := []struct{ text, want string }{
		{"[model]\npath = \n", "FILE:2: "},
		{"[model]\npath = 'a'\n\npath = 'b'\n", "FILE:4: "},
		{"[model x]\n", "FILE:1: "},
		{"a = \"\xff\"\n", "FILE:1: "},
		{"[train]\nsteps = 99999999999999999999\n", "FILE:2: "},
		{"[model]\npath = m.gguf\n", "FILE:2: "},
	}
	for _, test := range tests {
		got := fails(t, test.text)
		if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.toml")
	_, err := config.Load(path, nil)
	want := "config file " + path + ": no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if !errors.Is(err, oaif.ErrUsage) {
		t.Error("not a usage error")
	}
}

func TestSetProblems(t *testing.T) {
	tests := []struct{ set, want string }{
		{"train.stepz=3",
			"--set train.stepz=3: train.stepz: unknown key; did you mean train.steps?"},
		{"steps=3", "--set steps=3: steps: unknown key; did you mean train.steps?"},
		{"sampler.temp=1", "--set sampler.temp=1: sampler.temp: unknown key; " +
			"did you mean sampler.temperature?"},
		{"modle.path=x", "--set modle.path=x: modle.path: unknown key; did you mean model.path?"},
		{"learningrate=1", "--set learningrate=1: learningrate: unknown key; " +
			"did you mean optimizer.learning_rate?"},
		{"evil=1", "--set evil=1: evil: unknown key; did you mean the table [eval]?"},
		{"loss.lr=3", "--set loss.lr=3: loss.lr: unknown key; did you mean "},
		{"train.steps", "--set train.steps: wants the form table.key=value"},
		{"=3", "--set =3: wants the form table.key=value"},
		{"model.path=\xb9", "--set model.path=\xb9: is not UTF-8"},
		{"train={steps=3}",
			"--set train={steps=3}: train: names a table; set one of its keys, as in " +
				"--set train.steps=value"},
		{"train.steps=many",
			`--set train.steps=many: train.steps: wants an integer, got the string "many"`},
		{"train.steps=1\nseed=2", `--set train.steps=1\nseed=2: train.steps: wants an integer`},
		{"model.eos=[1, 3000000000]", "--set model.eos=[1, 3000000000]: model.eos: value 2: " +
			"3000000000 is out of range"},
		{"train.steps=0", "--set train.steps=0: train.steps: wants at least 1, got 0"},
	}
	for _, test := range tests {
		got := fails(t, least, test.set)
		if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("%q:\n got %q\nwant %q", test.set, got, test.want)
		}
	}
}

func TestValidation(t *testing.T) {
	tests := []struct{ sets, want string }{
		{"model.path=", "model.path: is missing"},
		{"data.train=", "data.train: is missing"},
		{"data.heldout=", "data.heldout: is missing"},
		{"annotator.file=", "annotator.file: is missing"},
		{"run.out=", "run.out: is missing"},
		{"model.device=gpu", `model.device: wants "auto", "cpu", "cuda" or "cuda:N", got "gpu"`},
		{"model.device=cuda:", "model.device: wants"},
		{"model.dtype=fp16", `model.dtype: wants one of "auto", "float32", "bfloat16", got "fp16"`},
		{"model.eos=[-1]", "model.eos: wants token ids >= 0, got -1"},
		{"data.template=Review", "data.template: wants {prompt}"},
		{"data.template={prompt};data.chat=true", `data.template: wants "" when data.chat is true`},
		{"sampler.temperature=0", "sampler.temperature: wants a number > 0, got 0"},
		{"sampler.top_k=-1", "sampler.top_k: wants at least 0, got -1"},
		{"sampler.temperature=0.0001",
			"sampler.temperature: wants a number in [0.001,1000], got 0.0001"},
		{"sampler.top_p=0", "sampler.top_p: wants a number in (0,1], got 0"},
		{"sampler.top_p=1.01", "sampler.top_p: wants a number in (0,1], got 1.01"},
		{"sampler.max_new_tokens=0", "sampler.max_new_tokens: wants at least 1, got 0"},
		{"sampler.min_new_tokens=65",
			"sampler.min_new_tokens: wants at most sampler.max_new_tokens, 64, got 65"},
		{"sampler.samples=1", "sampler.samples: wants a number in [2,64], got 1"},
		{"sampler.samples=65", "sampler.samples: wants a number in [2,64], got 65"},
		{"sampler.pair=best", `sampler.pair: wants one of "random", "best_worst", got "best"`},
		{"loss.label_smoothing=0.5",
			"loss.label_smoothing: wants a number in [0,0.5), got 0.5"},
		{"loss.label_smoothing=-0.1", "loss.label_smoothing: wants a number in [0,0.5), got -0.1"},
		{"train.min_margin=0.5", "train.min_margin: wants a number in [0,0.5), got 0.5"},
		{"train.min_margin=-1", "train.min_margin: wants a number in [0,0.5), got -1"},
		{"loss.kind=kto", `loss.kind: wants one of "dpo", "ipo", "slic", got "kto"`},
		{"loss.beta=-0.1", "loss.beta: wants a number in [1e-06,1e+06], got -0.1"},
		{"loss.beta=1e-7", "loss.beta: wants a number in [1e-06,1e+06], got 1e-07"},
		{"loss.beta=2e6", "loss.beta: wants a number in [1e-06,1e+06], got 2e+06"},
		{"optimizer.learning_rate=-1",
			"optimizer.learning_rate: wants a number in [0,1000], got -1"},
		{"optimizer.learning_rate=1e38",
			"optimizer.learning_rate: wants a number in [0,1000], got 1e+38"},
		{"optimizer.betas=[0.9, 1]", "optimizer.betas: wants numbers in [0,1), got 1"},
		{"optimizer.eps=0", "optimizer.eps: wants a number in [1e-20,1], got 0"},
		{"optimizer.eps=2", "optimizer.eps: wants a number in [1e-20,1], got 2"},
		{"optimizer.weight_decay=-1", "optimizer.weight_decay: wants a number in [0,1000], got -1"},
		{"optimizer.weight_decay=1001",
			"optimizer.weight_decay: wants a number in [0,1000], got 1001"},
		{"optimizer.clip_norm=-1", "optimizer.clip_norm: wants a number in [0,1e+09], got -1"},
		{"optimizer.clip_norm=1e300",
			"optimizer.clip_norm: wants a number in [0,1e+09], got 1e+300"},
		{"optimizer.warmup_steps=-1", "optimizer.warmup_steps: wants at least 0, got -1"},
		{"optimizer.schedule=step",
			`optimizer.schedule: wants one of "constant", "linear", "cosine"`},
		{"optimizer.schedule=linear;train.steps=5;optimizer.warmup_steps=5",
			`optimizer.warmup_steps: wants fewer than train.steps, 5, ` +
				`with schedule "linear", got 5`},
		{"train.prompts_per_step=0", "train.prompts_per_step: wants at least 1, got 0"},
		{"train.micro_batch=-1", "train.micro_batch: wants at least 0, got -1"},
		{"train.checkpoint_every=-1", "train.checkpoint_every: wants at least 0, got -1"},
		{"train.seed=-1", "train.seed: wants at least 0, got -1"},
		{"train.threads=-1", "train.threads: wants at least 0, got -1"},
		{"eval.every=-1", "eval.every: wants at least 0, got -1"},
		{"eval.prompts=-1", "eval.prompts: wants at least 0, got -1"},
		{"eval.live_prompts=-1", "eval.live_prompts: wants at least 0, got -1"},
	}
	for _, test := range tests {
		got := fails(t, least, strings.Split(test.sets, ";")...)
		if len(got) != 1 || !strings.Contains(got[0], test.want) {
			t.Errorf("%q:\n got %q\nwant %q", test.sets, got, test.want)
		}
	}
}

func TestEveryProblemHasItsLine(t *testing.T) {
	got := fails(t, least+"[train]\nsteps = -2\n[sampler]\ntop_p = 7\n", "loss.kind=x")
	want := []string{
		"FILE: sampler.top_p: wants a number in (0,1], got 7",
		`--set loss.kind=x: loss.kind: wants one of "dpo", "ipo", "slic", got "x"`,
		"FILE: train.steps: wants at least 1, got -2",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := fails(t, "[a]\nb = 1\n[train]\nstep = 1\nseed = 'x'\n", "q=1"); len(got) != 4 {
		t.Errorf("want 4 problems, got %q", got)
	}
}
