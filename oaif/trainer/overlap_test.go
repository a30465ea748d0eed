package trainer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/trainer"
)

// hung is how long a test waits for what must come at once before it fails.
const hung = time.Minute

// varied opens a run with an annotator whose answers end at all times, and in which no prompt comes
// twice in a step.
func varied(t *testing.T, a oaif.Annotator, sets ...string) (*trainer.Trainer, string) {
	t.Helper()
	cfg := load(t, workplace(t, pointwise), append([]string{manyEnds, "sampler.max_new_tokens=12",
		"train.prompts_per_step=7"}, sets...)...)
	tr := open(t, cfg, false, &watcher{})
	tr.UseAnnotator(a, "test")
	return tr, cfg.Run.Out
}

// beside is varied with an annotator that is asked beside the training device.
func beside(t *testing.T, a oaif.Annotator, sets ...string) (*trainer.Trainer, string) {
	t.Helper()
	tr, out := varied(t, a, sets...)
	tr.AskBeside()
	return tr, out
}

// listener is a sampler that lets a test see, and change, what the trainer is told of.
type listener struct {
	oaif.Sampler
	before, after func(ended []oaif.Group)
}

func (l listener) Sample(
	ctx context.Context, step int, prompts []*oaif.Prompt, ended func([]oaif.Group),
) ([]oaif.Group, error) {
	return l.Sampler.Sample(ctx, step, prompts, func(groups []oaif.Group) {
		if l.before != nil {
			l.before(groups)
		}
		ended(groups)
		if l.after != nil {
			l.after(groups)
		}
	})
}

// nothingWritten fails the test if a step has left something in the logs of a run.
func nothingWritten(t *testing.T, out string) {
	t.Helper()
	for _, name := range []string{"pairs.jsonl", "metrics.jsonl"} {
		if text, err := os.ReadFile(filepath.Join(out, name)); len(text) != 0 {
			t.Errorf("%s has %s, %v", name, text, err)
		}
	}
}

// asks is an annotator that is a function, and counts the calls that are under way.
type asks struct {
	answer func(context.Context, []oaif.Question) ([]oaif.Preference, error)
	open   atomic.Int32
	total  atomic.Int32
}

func (a *asks) Annotate(ctx context.Context, qs []oaif.Question) ([]oaif.Preference, error) {
	a.open.Add(1)
	a.total.Add(1)
	defer a.open.Add(-1)
	return a.answer(ctx, qs)
}

// TestJudgedWhileOthersAreSampled: sampling goes on only after the annotator was asked about the
// groups that have ended.
func TestJudgedWhileOthersAreSampled(t *testing.T) {
	asked := make(chan []oaif.Question, 7)
	a := &asks{answer: func(_ context.Context, qs []oaif.Question) ([]oaif.Preference, error) {
		asked <- qs
		return judge(whim).Annotate(context.Background(), qs)
	}}
	tr, _ := beside(t, a)
	var first []oaif.Group
	tr.WrapSampler(func(s oaif.Sampler) oaif.Sampler {
		return listener{Sampler: s, after: func(ended []oaif.Group) {
			select {
			case qs := <-asked:
				if g := ended[0]; qs[0].A != g.Answers[0].Text || qs[0].B != g.Answers[1].Text {
					t.Errorf("asked %v when %v had ended", qs, ended)
				}
			case <-time.After(hung):
				t.Error("not asked while others are sampled")
			}
			if first == nil {
				first = ended
			}
		}}
	})
	if err := tr.Step(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if len(first) == 0 || len(first) == 7 {
		t.Errorf("%d of 7 groups ended first", len(first))
	}
}

// TestReferenceBeforeVerdicts: the reference is computed while no verdict has come, and its failure
// ends the questions that are under way. An id that no model knows makes it fail.
func TestReferenceBeforeVerdicts(t *testing.T) {
	a := &asks{answer: func(ctx context.Context, _ []oaif.Question) ([]oaif.Preference, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	tr, out := beside(t, a)
	tr.WrapSampler(func(s oaif.Sampler) oaif.Sampler {
		return listener{Sampler: s, before: func(ended []oaif.Group) {
			for _, g := range ended {
				ids := g.Answers[0].IDs
				ids[len(ids)-1] = 1 << 20
			}
		}}
	})
	err := tr.Step(context.Background(), 1)
	if err == nil || !strings.Contains(err.Error(), "a target id is outside the vocabulary") {
		t.Errorf("got %v", err)
	}
	if a.total.Load() < 2 || a.open.Load() != 0 {
		t.Errorf("of %d calls %d are still open", a.total.Load(), a.open.Load())
	}
	nothingWritten(t, out)
}

// backwards answers a step's calls in the opposite order, once all of its questions were asked.
type backwards struct {
	questions int // of the step
	mu        sync.Mutex
	seen      int
	turns     []chan struct{}
	order     []string // of the answers, by the questions' first prompt
}

func (b *backwards) Annotate(_ context.Context, qs []oaif.Question) ([]oaif.Preference, error) {
	b.mu.Lock()
	me := len(b.turns)
	b.turns = append(b.turns, make(chan struct{}))
	if b.seen += len(qs); b.seen == b.questions {
		close(b.turns[me])
	}
	mine := b.turns[me]
	b.mu.Unlock()
	<-mine
	b.mu.Lock()
	defer b.mu.Unlock()
	b.order = append(b.order, qs[0].Fields["prompt"])
	if me > 0 {
		close(b.turns[me-1])
	}
	return judge(whim).Annotate(context.Background(), qs)
}

// TestVerdictsComeInTheOrderOfPairs, whatever the order of the answers.
func TestVerdictsComeInTheOrderOfPairs(t *testing.T) {
	local, want := varied(t, judge(whim))
	if err := local.Step(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	b := &backwards{questions: 7}
	tr, got := beside(t, b)
	if err := tr.Step(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if len(b.order) < 3 {
		t.Errorf("only %d calls", len(b.order))
	}
	for _, name := range []string{"pairs.jsonl", "metrics.jsonl"} {
		a, b := read(t, filepath.Join(got, name)), read(t, filepath.Join(want, name))
		if string(a) != string(b) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestOverlapChangesNothing: a run whose annotator is asked beside the device ends with the bytes
// of one whose annotator is asked after sampling.
func TestOverlapChangesNothing(t *testing.T) {
	path := workplace(t, pointwise)
	run := func(name string, aside bool) string {
		cfg := load(t, path, manyEnds, "run.out="+filepath.Join(filepath.Dir(path), name))
		t.Run(name, func(t *testing.T) {
			tr := open(t, cfg, false, &watcher{})
			tr.UseAnnotator(judge(whim), "whim")
			if aside {
				tr.AskBeside()
			}
			if err := tr.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
		})
		return cfg.Run.Out
	}
	after, during := run("after", false), run("during", true)
	sameResults(t, during, after, 4)
	for out, stage := range map[string]string{after: "annotate", during: "wait"} {
		for _, l := range objects(t, filepath.Join(out, "system.jsonl")) {
			stages := l["stage_seconds"].(map[string]any)
			if _, step := stages["train"]; !step {
				continue
			}
			_, found := stages[stage]
			if beside := l["annotator_seconds"] != nil; len(stages) != 5 || !found ||
				beside != (stage == "wait") {
				t.Errorf("a step of %s: %v", out, l)
			}
		}
	}
}

var errOutOfOrder = errors.New("out of order")

// TestAnnotatorFailsBeside: the first failure ends the step, sampling and the questions that are
// under way; it is the error of the step, and nothing goes on behind it.
func TestAnnotatorFailsBeside(t *testing.T) {
	a := &asks{}
	a.answer = func(ctx context.Context, _ []oaif.Question) ([]oaif.Preference, error) {
		if a.total.Load() >= 2 {
			return nil, errOutOfOrder
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	tr, out := beside(t, a)
	if err := tr.Step(context.Background(), 1); !errors.Is(err, errOutOfOrder) {
		t.Errorf("got %v", err)
	}
	if a.total.Load() < 2 || a.open.Load() != 0 {
		t.Errorf("of %d calls %d are still open", a.total.Load(), a.open.Load())
	}
	nothingWritten(t, out)
}

// TestCancelledBeside: a stop while verdicts are awaited ends them, and is a stop as any other.
func TestCancelledBeside(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a := &asks{answer: func(ctx context.Context, _ []oaif.Question) ([]oaif.Preference, error) {
		stop()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	tr, _ := beside(t, a)
	if err := tr.Step(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if a.total.Load() == 0 || a.open.Load() != 0 {
		t.Errorf("of %d calls %d are still open", a.total.Load(), a.open.Load())
	}
}
