package annotator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// countingJudge prefers the longer text and counts how often each question was asked.
type countingJudge struct {
	mu    sync.Mutex
	asked map[string]int
	calls int
	err   error
}

func (c *countingJudge) Annotate(_ context.Context, qs []oaif.Question) ([]oaif.Preference, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.err != nil {
		return nil, c.err
	}
	prefs := make([]oaif.Preference, len(qs))
	for i, q := range qs {
		if c.asked == nil {
			c.asked = map[string]int{}
		}
		c.asked[q.Fields["prompt"]+"|"+q.A+"|"+q.B]++
		prefs[i] = oaif.Preference{Verdict: oaif.VerdictB, PA: 1 / float64(3+len(q.A)), ScoreB: 1}
		if len(q.A) > len(q.B) {
			prefs[i].Verdict, prefs[i].Orders = oaif.VerdictA,
				[]oaif.Order{{First: "a", PFirst: .7}}
		}
	}
	return prefs, nil
}

func open(t *testing.T, path string) *annotator.Journal {
	t.Helper()
	j, err := annotator.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // some tests close it themselves
	return j
}

func numbered(from, to int) []oaif.Question {
	var qs []oaif.Question
	for i := from; i < to; i++ {
		qs = append(qs,
			oaif.Question{Fields: map[string]string{"prompt": fmt.Sprint("<p>", i), "z": "é"},
				A: strings.Repeat("x", i%3), B: "x"})
	}
	return qs
}

// TestJournalAsksOnlyWhatIsMissing: across batches, within a batch and after reopening.
func TestJournalAsksOnlyWhatIsMissing(t *testing.T) {
	ctx, path, judge := context.Background(), filepath.Join(t.TempDir(), "verdicts.jsonl"),
		&countingJudge{}
	first, err := annotator.Journaled(judge, "id", open(t, path)).Annotate(ctx, numbered(0, 4))
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := os.ReadFile(path) // before Close: returned means written
	if err != nil || bytes.Count(onDisk, []byte("\n")) != 4 {
		t.Fatalf("journal holds %q, %v", onDisk, err)
	}
	again := annotator.Journaled(judge, "id", open(t, path))
	all, err := again.Annotate(ctx, append(numbered(0, 8), numbered(2, 6)...))
	if err != nil {
		t.Fatal(err)
	}
	want, err := new(countingJudge).Annotate(ctx, append(numbered(0, 8), numbered(2, 6)...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, all) + cmp.Diff(want[:4], first); diff != "" {
		t.Error(diff)
	}
	if judge.calls != 2 || len(judge.asked) != 8 {
		t.Errorf("%d calls with %d questions, want 2 with 8", judge.calls, len(judge.asked))
	}
	for q, times := range judge.asked {
		if times != 1 {
			t.Errorf("%s was asked %d times", q, times)
		}
	}
}

// TestJournalKey: another annotator, another field or swapped answers are other questions.
func TestJournalKey(t *testing.T) {
	ctx, judge, j := context.Background(), &countingJudge{},
		open(t, filepath.Join(t.TempDir(), "v"))
	for _, id := range []string{"one", "two"} {
		for _, q := range []oaif.Question{
			{Fields: map[string]string{"prompt": "p"}, A: "a", B: "b"},
			{Fields: map[string]string{"prompt": "p"}, A: "b", B: "a"},
			{Fields: map[string]string{"prompt": "p", "x": ""}, A: "a", B: "b"},
			{Fields: map[string]string{"x": "p"}, A: "a", B: "b"},
		} {
			_, err := annotator.Journaled(judge, id, j).Annotate(ctx, []oaif.Question{q})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if j.Len() != 8 || judge.calls != 8 {
		t.Errorf("%d verdicts after %d calls, want 8 after 8", j.Len(), judge.calls)
	}
}

// TestJournalSurvivesEveryTear cuts the file at every fifth byte: whole lines are kept, the rest is
// asked again, and the file ends as it was.
func TestJournalSurvivesEveryTear(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "verdicts.jsonl")
	first := annotator.Journaled(&countingJudge{}, "id", open(t, path))
	if _, err := first.Annotate(ctx, numbered(0, 3)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 0; size < len(whole); size += 5 {
		if err := os.WriteFile(path, whole[:size], 0o644); err != nil {
			t.Fatal(err)
		}
		judge, j := &countingJudge{}, open(t, path)
		if lines := bytes.Count(whole[:size], []byte("\n")); j.Len() != lines {
			t.Fatalf("cut at %d: %d verdicts, want %d", size, j.Len(), lines)
		}
		kept := j.Len()
		if _, err := annotator.Journaled(judge, "id", j).Annotate(ctx, numbered(0, 3)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, whole) || len(judge.asked) != 3-kept {
			t.Fatalf("cut at %d: %v, asked %d, file\n%s", size, err, len(judge.asked), got)
		}
	}
}

func TestJournalRefusesCorruptLines(t *testing.T) {
	key := strings.Repeat("ab", 32)
	good := `{"key":"` + key + `","verdict":{"verdict":"a","p_a":0.7}}` + "\n"
	for _, bad := range []string{
		"\n", "{\n", "null\n", `{"key":"ab","verdict":{"verdict":"a","p_a":1}}` + "\n",
		`{"key":"` + key + `"}` + "\n",
		`{"key":"` + key + `","verdict":{"verdict":"maybe"}}` + "\n",
		`{"key":"` + key + `","verdict":{"verdict":"a","p_a":0.7},"more":1}` + "\n",
		strings.TrimSpace(good) + good, "\x00\x00\n",
		strings.Replace(good, "0.7", "0.8", 1), // the same question with another verdict
	} {
		path := writeFile(t, "verdicts.jsonl", good+good+bad+good)
		_, err := annotator.OpenJournal(path)
		if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), path+":3: ") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("line %q: error %v", bad, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != good+good+bad+good {
			t.Errorf("line %q: the refused file was changed to %q, %v", bad, after, err)
		}
	}
	if _, err := annotator.OpenJournal(t.TempDir()); !errors.Is(err, oaif.ErrData) {
		t.Errorf("a folder as journal: %v", err)
	}
}

// TestJournalReturnsNothingUnstored: when the verdict cannot be written, or none came, the caller
// gets an error and nothing is remembered.
func TestJournalReturnsNothingUnstored(t *testing.T) {
	ctx, j, judge := context.Background(), open(t, filepath.Join(t.TempDir(), "v")),
		&countingJudge{}
	judge.err = errors.New("no answer")
	a := annotator.Journaled(judge, "id", j)
	if _, err := a.Annotate(ctx, numbered(0, 2)); !errors.Is(err, judge.err) || j.Len() != 0 {
		t.Fatalf("%v with %d stored", err, j.Len())
	}
	judge.err = nil
	if _, err := a.Annotate(ctx, numbered(0, 2)); err != nil || j.Len() != 2 {
		t.Fatalf("asked again: %v with %d stored", err, j.Len())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if prefs, err := a.Annotate(ctx, numbered(0, 3)); err == nil || prefs != nil || j.Len() != 2 {
		t.Errorf("write failed: %v, %v with %d stored", prefs, err, j.Len())
	}
	if _, err := a.Annotate(ctx, numbered(0, 2)); err != nil {
		t.Errorf("stored verdicts are still known: %v", err)
	}
}

// TestJournalConcurrently: overlapping batches in many goroutines ask each question once.
func TestJournalConcurrently(t *testing.T) {
	ctx, j, judge := context.Background(), open(t, filepath.Join(t.TempDir(), "v")),
		&countingJudge{}
	a := annotator.Journaled(judge, "id", j)
	want, err := new(countingJudge).Annotate(ctx, numbered(0, 40))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for from := range 20 {
		group.Go(func() {
			got, err := a.Annotate(ctx, numbered(from, from+20))
			if err != nil || !cmp.Equal(got, want[from:from+20]) {
				t.Errorf("batch %d: %v, %v", from, got, err)
			}
		})
	}
	group.Wait()
	for q, times := range judge.asked {
		if times != 1 {
			t.Errorf("%s was asked %d times", q, times)
		}
	}
	if j.Len() != 39 || len(judge.asked) != 39 {
		t.Errorf("%d stored, %d asked, want 39", j.Len(), len(judge.asked))
	}
}
