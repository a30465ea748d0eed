package lexicon_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/lexicon"
)

// TestVaderMatchesReference compares with testdata/vader.jsonl, written by testdata/make_vader.py.
func TestVaderMatchesReference(t *testing.T) {
	file, err := os.Open("testdata/vader.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // only read
	v, scanner, n := lexicon.NewVader(), bufio.NewScanner(file), 0
	for ; scanner.Scan(); n++ {
		var want struct {
			Text     string
			Compound float64
		}
		if err := json.Unmarshal(scanner.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if got := v.Score(want.Text); got != want.Compound {
			t.Errorf("Score(%q) = %v, reference %v", want.Text, got, want.Compound)
		}
	}
	if err := scanner.Err(); err != nil || n < 600 {
		t.Fatalf("%d texts read, error %v", n, err)
	}
}

func TestVaderJudgesOpeningAndAnswer(t *testing.T) {
	var judge oaif.Annotator = lexicon.NewVader()
	opening := map[string]string{"prompt": "The film was not"}
	got, err := judge.Annotate(context.Background(), []oaif.Question{
		// "not" is in the opening: without it B would win
		{Fields: opening, A: " bad.", B: " good."},
		{Fields: opening, A: " long.", B: " long."},
		{A: " bad.", B: " good."},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []oaif.Preference{
		{Verdict: oaif.VerdictA, PA: 1, ScoreA: 0.431, ScoreB: -0.3412},
		{Verdict: oaif.VerdictTie, PA: .5},
		{Verdict: oaif.VerdictB, PA: 0, ScoreA: -0.5423, ScoreB: 0.4404},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
