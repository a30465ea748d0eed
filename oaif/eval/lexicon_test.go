package eval_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/oaif/lexicon"
)

// questions pairs policy and baseline answers under one opening.
func questions(opening string, policy, baseline []string) []oaif.Question {
	var qs []oaif.Question
	for i := range policy {
		fields := map[string]string{"prompt": opening}
		qs = append(qs, oaif.Question{Fields: fields, A: policy[i], B: baseline[i]})
	}
	return qs
}

// TestLexiconCheckExposesATrick: a policy that wins by one repeated word only ties once the word is
// gone, in whatever case and punctuation it was written.
func TestLexiconCheckExposesATrick(t *testing.T) {
	got, err := eval.CheckLexicon(lexicon.NewVader(), questions("The film was",
		[]string{" great.", " GREAT!", " (Great) and long", " great-looking; great"},
		[]string{" long.", " LONG!", " long and long", " old; long"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"great"}, got.Words); diff != "" {
		t.Error(diff)
	}
	if want := (eval.Tally{N: 4, Tie: 4}); got.Tally != want || got.Summary.WinRate != .5 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLexiconCheckKeepsARealGain: the five words that rose most go, in order; the sixth still
// counts, and a word that both sides share, or that is in no lexicon, is no suspect.
func TestLexiconCheckKeepsARealGain(t *testing.T) {
	rising := []string{"superb", "charming", "sweet", "great", "fun", "brave"}
	var policy, baseline []string
	for i := range 10 {
		// Both sides have equally many words, so that frequencies rise as counts do: superb in 10
		// texts, charming in 9, ..., brave in 5.
		text := ", a story with lovely pictures"
		for k, word := range rising {
			if i >= 10-k {
				word = "plain"
			}
			text += " " + word
		}
		policy = append(policy, text+" brave :) .")
		baseline = append(baseline,
			", a story with lovely pictures"+strings.Repeat(" plain", 6)+" sad :( .")
	}
	got, err := eval.CheckLexicon(lexicon.NewVader(), questions("A film", policy, baseline))
	if err != nil {
		t.Fatal(err)
	}
	// brave stands once in every text and again in 5: it rose by 15, more than any other.
	diff := cmp.Diff([]string{"brave", "superb", "charming", "sweet", "great"}, got.Words)
	if diff != "" {
		t.Error(diff)
	}
	if want := (eval.Tally{N: 10, Win: 10}); got.Tally != want {
		t.Errorf("%+v, want %+v", got.Tally, want)
	}
}

func TestLexiconCheckWithoutAnyRise(t *testing.T) {
	same := []string{" good.", " bad."}
	got, err := eval.CheckLexicon(lexicon.NewVader(), questions("It is", same, same))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Words) != 0 || got.Words == nil || got.Tie != 2 {
		t.Errorf("%+v, want no words and two ties", got)
	}
}
