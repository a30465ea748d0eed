package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// aheadSets are of a run with checkpoints after steps 3, 6 and 8.
var aheadSets = []string{"train.steps=8", "train.checkpoint_every=3", "eval.every=2"}

// trained runs a configuration in a folder of its own, with an annotator beside the device.
func trained(t *testing.T, path, name string, sets ...string) (out string, w *watcher) {
	t.Helper()
	sets = append(sets, "run.out="+filepath.Join(filepath.Dir(path), name))
	cfg, w := load(t, path, sets...), &watcher{}
	t.Run(name, func(t *testing.T) {
		tr := open(t, cfg, false, w)
		tr.UseAnnotator(scoring(byHash), "hash")
		tr.AskBeside()
		if err := tr.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
	return cfg.Run.Out, w
}

// answersOf lists the ids of a step's answers.
func answersOf(t *testing.T, out string, step float64) (ids []any) {
	t.Helper()
	for _, l := range objects(t, filepath.Join(out, "pairs.jsonl")) {
		if l["step"] == step {
			ids = append(ids, l["a"].(map[string]any)["ids"], l["b"].(map[string]any)["ids"])
		}
	}
	return ids
}

// TestAsync: a step's answers are those of the weights before the last update, but not after a
// checkpoint, and the metrics say so.
func TestAsync(t *testing.T) {
	path := workplace(t, pointwise)
	async := append([]string{"train.async=true"}, aheadSets...)
	still, _ := trained(t, path, "still", append(aheadSets, "optimizer.learning_rate=0")...)
	sync, w := trained(t, path, "sync", aheadSets...)
	for _, m := range w.steps {
		if m.Staleness != 0 {
			t.Errorf("without async, step %d: staleness %d", m.Step, m.Staleness)
		}
	}
	out, w := trained(t, path, "async", async...)
	for i, want := range []int{0, 1, 1, 0, 1, 1, 0, 1} {
		m := w.steps[i]
		if m.Staleness != want || m.Kept == 0 {
			t.Errorf("step %d: staleness %d, want %d; %d pairs kept", i+1, m.Staleness, want,
				m.Kept)
		}
		if fresh := m.GapMean < 1e-5; fresh != (want == 0) {
			t.Errorf("step %d: staleness %d, gap %g", i+1, want, m.GapMean)
		}
	}
	first := answersOf(t, still, 2)
	if !reflect.DeepEqual(answersOf(t, out, 2), first) ||
		reflect.DeepEqual(answersOf(t, sync, 2), first) {
		t.Error("the second step's answers are not those of the starting model")
	}
	// Weights that do not move are never stale.
	frozen, _ := trained(t, path, "frozen", append(async, "optimizer.learning_rate=0")...)
	if string(read(t, frozen+"/pairs.jsonl")) != string(read(t, still+"/pairs.jsonl")) {
		t.Error("pairs.jsonl differs with weights that do not move")
	}
}

// TestAsyncWaitsLater: the next step's answers are sampled while no verdict has come.
func TestAsyncWaitsLater(t *testing.T) {
	next := make(chan struct{})
	a := &asks{answer: func(ctx context.Context, qs []oaif.Question) ([]oaif.Preference, error) {
		select {
		case <-next:
			return judge(whim).Annotate(ctx, qs)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	tr, _ := beside(t, a, "train.async=true", "train.checkpoint_every=0")
	tr.WrapSampler(func(s oaif.Sampler) oaif.Sampler {
		return stepSampler{s, func(step int) {
			if step == 2 {
				close(next)
			}
		}}
	})
	ctx, stop := context.WithTimeout(context.Background(), hung)
	defer stop()
	if err := tr.Step(ctx, 1); err != nil {
		t.Fatal(err)
	}
}

// stepSampler tells which step's answers have been sampled.
type stepSampler struct {
	oaif.Sampler
	done func(step int)
}

func (s stepSampler) Sample(
	ctx context.Context, step int, prompts []*oaif.Prompt, ended func([]oaif.Group),
) ([]oaif.Group, error) {
	groups, err := s.Sampler.Sample(ctx, step, prompts, ended)
	s.done(step)
	return groups, err
}

// TestStoppedWithOptions: a run that was stopped after any of its steps ends with the bytes of one
// that was not.
func TestStoppedWithOptions(t *testing.T) {
	for name, sets := range map[string][]string{
		"async":      {"train.async=true"},
		"best_worst": {"sampler.samples=4", "sampler.pair=best_worst", "loss.soft_targets=true"},
		"random":     {"sampler.samples=3", "train.async=true", "train.min_margin=0.05"},
	} {
		path := workplace(t, pointwise)
		sets = append(sets, aheadSets...)
		whole, _ := trained(t, path, "whole "+name, sets...)
		for stop := 1; stop < 8; stop++ {
			out := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s %d", name, stop))
			for _, resume := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, stopped after %d, resumed %v", name, stop, resume),
					func(t *testing.T) {
						stopAfter(t, path, stop, resume, append(sets, "run.out="+out)...)
					})
			}
			sameResults(t, out, whole, 8)
		}
	}
}

// stopAfter runs a configuration and stops it after a step, or, with resume, goes on to its end.
func stopAfter(t *testing.T, path string, step int, resume bool, sets ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w := &watcher{}
	w.hook = func() {
		if !resume && len(w.steps) == step {
			stop()
		}
	}
	tr := open(t, load(t, path, sets...), resume, w)
	tr.UseAnnotator(scoring(byHash), "hash")
	tr.AskBeside()
	err := tr.Run(ctx)
	if resume && err != nil || !resume && !errors.Is(err, oaif.ErrInterrupted) {
		t.Fatal(err)
	}
}

// TestAnnotatorGoneWhileAhead: a run that its annotator leaves in any step goes on to the same end:
// it keeps no checkpoint that would have cut off what was sampled ahead.
func TestAnnotatorGoneWhileAhead(t *testing.T) {
	path := workplace(t, pointwise)
	sets := append([]string{"train.async=true"}, aheadSets...)
	whole, _ := trained(t, path, "whole", sets...)
	for last := 1; last < 8; last++ {
		out := filepath.Join(filepath.Dir(path), fmt.Sprintf("left after %d", last))
		for _, resume := range []bool{false, true} {
			t.Run(fmt.Sprintf("left after %d, resumed %v", last, resume), func(t *testing.T) {
				w := &watcher{}
				tr := open(t, load(t, path, append(sets, "run.out="+out)...), resume, w)
				tr.UseAnnotator(scoring(byHash), "hash")
				tr.WatchAnnotator(func(a oaif.Annotator) oaif.Annotator {
					return &asks{answer: func(
						ctx context.Context, qs []oaif.Question,
					) ([]oaif.Preference, error) {
						if !resume && len(w.steps) >= last {
							return nil, oaif.UnavailableError("gone")
						}
						return a.Annotate(ctx, qs)
					}}
				})
				tr.AskBeside()
				err := tr.Run(context.Background())
				if resume && err != nil || !resume && !errors.Is(err, oaif.ErrUnavailable) {
					t.Fatal(err)
				}
			})
		}
		sameResults(t, out, whole, 8)
	}
}
