package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/trainer"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// refused wants trainer.New to fail with one line of a kind, and to leave nothing open.
func refused(t *testing.T, cfg *config.Config, resume bool, kind error, want ...string) {
	t.Helper()
	before := torch.LiveHandles()
	tr, err := trainer.New(context.Background(), cfg, resume, &watcher{})
	if err == nil {
		_ = tr.Close() // the test has failed already
		t.Fatal("not refused")
	}
	if !errors.Is(err, kind) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want one line that is %v", err, kind)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %q, want it to say %q", err, w)
		}
	}
	if n := torch.LiveHandles(); n != before {
		t.Errorf("%d handles left", n-before)
	}
}

func TestChangedConfigIsRefused(t *testing.T) {
	path := workplace(t, pointwise)
	train(t, path, "train.steps=1")
	refused(t, load(t, path, "train.steps=1", "loss.beta=0.2"), true, oaif.ErrUsage, "config.toml",
		"beta = 0.1", "beta = 0.2")
	refused(t, load(t, path, "train.steps=2"), true, oaif.ErrUsage, "steps = 1", "steps = 2")
	// A folder that moved is the same run; "auto" and 0 stand for what the run was begun with.
	cfg := load(t, path, "train.steps=1", "train.threads=0",
		"model.device=auto", "model.dtype=auto")
	moved := cfg.Run.Out + "-moved"
	if err := os.Rename(cfg.Run.Out, moved); err != nil {
		t.Fatal(err)
	}
	cfg.Run.Out = moved
	if err := open(t, cfg, true, &watcher{}).Run(context.Background()); err != nil {
		t.Error(err)
	}
	if cfg.Train.Threads != 1 || cfg.Model.Device != torchtest.Spec() ||
		cfg.Model.DType != "float32" {
		t.Errorf("resumed with %d threads and %+v", cfg.Train.Threads, cfg.Model)
	}
}

// TestDifference: a configuration that has more lines or fewer is another one too.
func TestDifference(t *testing.T) {
	for _, c := range []struct{ was, is, a, b string }{
		{"x = 1\n", "x = 1\n", "", ""},
		{"x = 1\ny = 2\n", "x = 1\ny = 3\n", "y = 2", "y = 3"},
		{"x = 1\n", "x = 1\ny = 2\n", "nothing", "y = 2"},
		{"x = 1\ny = 2", "x = 1", "y = 2", "nothing"},
	} {
		a, b, differ := trainer.Difference(c.was, c.is)
		if a != c.a || b != c.b || differ != (a != b) {
			t.Errorf("%q and %q: %q and %q, %v", c.was, c.is, a, b, differ)
		}
	}
}

// TestChangedInputsAreRefused: the files that a run reads are part of what it is.
func TestChangedInputsAreRefused(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, cfg *config.Config){
		"model": func(t *testing.T, cfg *config.Config) {
			flipLastByte(t, filepath.Join(cfg.Model.Path, "model.safetensors"))
		},
		"reference": func(t *testing.T, cfg *config.Config) {
			flipLastByte(t, filepath.Join(cfg.Model.Reference, "model.safetensors"))
		},
		"train.jsonl": func(t *testing.T, cfg *config.Config) {
			write(t, cfg.Data.Train, promptLines("abcdefx"))
		},
		"heldout.jsonl": func(t *testing.T, cfg *config.Config) {
			write(t, cfg.Data.Heldout, promptLines("uvwxya"))
		},
		"judge.toml": func(t *testing.T, cfg *config.Config) {
			write(t, cfg.Annotator.File, strings.Replace(pointwise, `"b"`, `"c"`, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := workplace(t, pointwise)
			dir := filepath.Dir(path)
			if err := os.CopyFS(dir+"/reference", os.DirFS(dir+"/model")); err != nil {
				t.Fatal(err)
			}
			sets := []string{"train.steps=1", "model.reference=" + dir + "/reference"}
			train(t, path, sets...)
			cfg := load(t, path, sets...)
			change(t, cfg)
			refused(t, cfg, true, oaif.ErrData, filepath.Join(dir, name),
				"has changed since the run began")
		})
	}
}

// flipLastByte changes a number a little.
func flipLastByte(t *testing.T, path string) {
	t.Helper()
	data := read(t, path)
	data[len(data)-3] ^= 1
	write(t, path, string(data))
}

func TestFolders(t *testing.T) {
	path := workplace(t, pointwise)
	cfg := load(t, path)
	refused(t, cfg, true, oaif.ErrData,
		"config.toml: is missing; there is no run to resume without it")
	if _, err := os.Stat(cfg.Run.Out); err == nil {
		t.Error("a refused run left a folder")
	}
	open(t, cfg, false, &watcher{})
	refused(t, load(t, path), false, oaif.ErrData, "another process works in this run folder")
	refused(t, load(t, path), true, oaif.ErrData, "another process works in this run folder")
}

// TestSecondProcess: while a process trains, another one is refused with one line, and the first
// goes on unharmed.
func TestSecondProcess(t *testing.T) {
	path := workplace(t, pointwise)
	cfg := load(t, path)
	begun := false
	hook := func() {
		if _, err := os.Stat(filepath.Join(cfg.Run.Out, "eval")); begun || err != nil {
			return
		}
		begun = true
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childConfig+"="+path)
		var errs errorText
		cmd.Stdout, cmd.Stderr = io.Discard, &errs
		err := cmd.Run()
		if cmd.ProcessState.ExitCode() != 1 ||
			!strings.Contains(string(errs), "another process works") ||
			strings.Count(string(errs), "\n") != 1 {
			t.Errorf("the second process ended with %v: %s", err, errs)
		}
	}
	if err := runWatched(context.Background(), cfg, hook); err != nil {
		t.Fatal(err)
	}
	if !begun {
		t.Error("no second process was started")
	}
	alone := load(t, path, "run.out="+filepath.Dir(path)+"/alone")
	if err := runWatched(context.Background(), alone, func() {}); err != nil {
		t.Fatal(err)
	}
	sameResults(t, cfg.Run.Out, alone.Run.Out, 4)
}

// TestDamagedCheckpoint: a resumed run falls back to the checkpoint before, says so, and ends as it
// would have.
func TestDamagedCheckpoint(t *testing.T) {
	for _, blob := range []string{"weights", "optimizer", "manifest.json"} {
		t.Run(blob, func(t *testing.T) {
			path := workplace(t, pointwise)
			out := train(t, path)
			whole := t.TempDir()
			if err := os.CopyFS(whole, os.DirFS(out)); err != nil {
				t.Fatal(err)
			}
			flipLastByte(t, filepath.Join(lastCheckpoint(out, 4), blob))
			w := &watcher{}
			if err := open(t, load(t, path), true, w).Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			said := fmt.Sprint(w.warnings)
			if !strings.Contains(said, "damaged checkpoint passed over") ||
				!strings.Contains(said, filepath.Join("step-4", blob)) {
				t.Errorf("warned %q", w.warnings)
			}
			if len(w.steps) != 1 || w.steps[0].Step != 4 {
				t.Errorf("steps done again: %+v", w.steps)
			}
			sameResults(t, out, whole, 4)
		})
	}
}

// TestResumedWhenDone: a finished run that is resumed takes no step and ends with the same files.
func TestResumedWhenDone(t *testing.T) {
	path := workplace(t, pointwise)
	out := train(t, path)
	whole := t.TempDir()
	if err := os.CopyFS(whole, os.DirFS(out)); err != nil {
		t.Fatal(err)
	}
	w := &watcher{}
	if err := open(t, load(t, path), true, w).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(w.steps) != 0 || len(w.warnings) != 0 {
		t.Errorf("%d steps, warnings %q", len(w.steps), w.warnings)
	}
	sameResults(t, out, whole, 4)
}

// TestResumeCountsUpdates: a step that kept no pair is a step but no update of the optimizer, in a
// resumed run too.
func TestResumeCountsUpdates(t *testing.T) {
	path := workplace(t, pointwise+"tie_margin = 0.15\n")
	sets := []string{"train.steps=8", "train.prompts_per_step=1"}
	out := train(t, path, sets...)
	whole := t.TempDir()
	if err := os.CopyFS(whole, os.DirFS(out)); err != nil {
		t.Fatal(err)
	}
	kept := 0.0
	for _, m := range objects(t, filepath.Join(out, "metrics.jsonl")) {
		if m["eval"] == nil {
			kept += m["kept"].(float64)
		}
	}
	if kept < 2 || kept > 6 {
		t.Fatalf("%g of 8 steps kept their pair: too few of one kind to tell", kept)
	}
	flipLastByte(t, filepath.Join(lastCheckpoint(out, 8), "weights"))
	resumed := open(t, load(t, path, sets...), true, &watcher{})
	if err := resumed.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	sameResults(t, out, whole, 8)
}
