package annotator_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// fakeScorer scores by a function of the text, and records every text.
type fakeScorer struct {
	score func(annotator.Text) annotator.Score
	texts [][]annotator.Text // of each call
	err   error
}

func (f *fakeScorer) Plain(text string) string { return text }

func (f *fakeScorer) Score(
	_ context.Context, texts []annotator.Text,
) ([]annotator.Score, error) {
	f.texts = append(f.texts, texts)
	var out []annotator.Score
	for _, t := range texts {
		out = append(out, f.score(t))
	}
	return out, f.err
}

func (f *fakeScorer) Digest() string { return "fake" }

// scored puts questions to a new annotator of the file text.
func scored(
	t *testing.T, text string, s annotator.Scorer, questions ...oaif.Question,
) ([]oaif.Preference, error) {
	t.Helper()
	a, err := annotator.NewScored(load(t, text), s)
	if err != nil {
		t.Fatal(err)
	}
	return a.Annotate(context.Background(), questions)
}

const lexiconSpec = "kind = \"lexicon\"\n"

// TestScored: scores 2 and -1 make P(a better) = sigmoid(3) = .952574; identical texts are not
// asked about; all answers go to the scorer at once, in order.
func TestScored(t *testing.T) {
	s := &fakeScorer{score: func(text annotator.Text) annotator.Score {
		if strings.Contains(text.Prompt.Text, "good") {
			return annotator.Score{Value: 2}
		}
		return annotator.Score{Value: -1}
	}}
	record := map[string]string{"prompt": "It is"}
	got, err := scored(t, lexiconSpec+"prompt = \"<{prompt}{response}>\"", s,
		oaif.Question{Fields: record, A: " good", B: " bad"},
		oaif.Question{Fields: record, A: " same", B: " same"},
		oaif.Question{Fields: record, A: " bad", B: " worse"})
	if err != nil {
		t.Fatal(err)
	}
	want := []oaif.Preference{
		{Verdict: oaif.VerdictA, PA: 0.9525741268224334, ScoreA: 2, ScoreB: -1},
		annotator.Identical(),
		{Verdict: oaif.VerdictTie, PA: .5, ScoreA: -1, ScoreB: -1},
	}
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
	text := func(whole, response string) annotator.Text {
		return annotator.Text{Prompt: annotator.Prompt{Text: whole}, Response: response}
	}
	calls := [][]annotator.Text{{text("<It is good>", " good"), text("<It is bad>", " bad"),
		text("<It is bad>", " bad"), text("<It is worse>", " worse")}}
	if diff := cmp.Diff(calls, s.texts); diff != "" {
		t.Error(diff)
	}
	if _, err := scored(t, lexiconSpec, s, oaif.Question{A: "x", B: "x"}); err != nil ||
		len(s.texts) != 1 {
		t.Errorf("identical texts alone: %v after %d calls", err, len(s.texts))
	}
}

// TestScoresThatAreNone: a reason and a number that is none make the verdict invalid, with the
// answer named and no numbers; a difference that is too large for a float is still a verdict.
func TestScoresThatAreNone(t *testing.T) {
	for _, c := range []struct {
		a, b annotator.Score
		want oaif.Preference
	}{
		{annotator.Score{Value: math.NaN()}, annotator.Score{},
			oaif.Preference{Verdict: oaif.VerdictInvalid,
				Reason: "for answer a: the score is NaN"}},
		{annotator.Score{Value: 1}, annotator.Score{Value: math.Inf(-1)},
			oaif.Preference{Verdict: oaif.VerdictInvalid,
				Reason: "for answer b: the score is -Inf"}},
		{annotator.Score{Value: 1}, annotator.Score{Value: 3, Reason: "too long"},
			oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: "for answer b: too long"}},
		{annotator.Score{Value: -math.MaxFloat64}, annotator.Score{Value: math.MaxFloat64},
			oaif.Preference{Verdict: oaif.VerdictB, ScoreA: -math.MaxFloat64,
				ScoreB: math.MaxFloat64}},
	} {
		s := &fakeScorer{score: func(text annotator.Text) annotator.Score {
			if text.Response == "x" {
				return c.a
			}
			return c.b
		}}
		got, err := scored(t, lexiconSpec, s, xy)
		if err != nil || !cmp.Equal([]oaif.Preference{c.want}, got) {
			t.Errorf("%+v and %+v: %+v, %v", c.a, c.b, got, err)
		}
	}
}

func TestScoredTieMargin(t *testing.T) {
	for b, want := range map[float64]oaif.Verdict{
		-.39: oaif.VerdictTie, .39: oaif.VerdictTie, -.42: oaif.VerdictA, .42: oaif.VerdictB,
	} {
		s := &fakeScorer{score: func(text annotator.Text) annotator.Score {
			if text.Response == "x" {
				return annotator.Score{}
			}
			return annotator.Score{Value: b}
		}}
		// sigmoid(.39) = .5963, sigmoid(.42) = .6035
		got, err := scored(t, lexiconSpec+"tie_margin = 0.1", s, xy)
		if err != nil || got[0].Verdict != want {
			t.Errorf("scores 0 and %v: %+v, %v, want %s", b, got, err, want)
		}
	}
}

func TestScoredErrors(t *testing.T) {
	broken := &fakeScorer{score: func(annotator.Text) annotator.Score {
		return annotator.Score{}
	}, err: oaif.DataError("too long")}
	if _, err := scored(t, lexiconSpec, broken, xy); !errors.Is(err, oaif.ErrData) {
		t.Errorf("a scorer that fails: %v", err)
	}
	if _, err := scored(t, lexiconSpec, short{}, xy); err == nil ||
		!strings.Contains(err.Error(), "1 scores for 2 answers") {
		t.Errorf("a scorer that answers once: %v", err)
	}
	const topic = lexiconSpec + "prompt = \"{response}{topic}\""
	if _, err := scored(t, topic, short{}, xy); err == nil ||
		!strings.Contains(err.Error(), `no field "topic"`) {
		t.Errorf("a field that is not there: %v", err)
	}
	refused := func(err error, want string) {
		t.Helper()
		if !errors.Is(err, oaif.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	_, err := annotator.NewScored(load(t, pairSpec), short{})
	refused(err, `kind = "pairwise" cannot be used here`)
	_, err = annotator.New(load(t, lexiconSpec), annotator.Local(&fakeLM{}))
	refused(err, `kind = "lexicon" cannot be used here`)
	_, err = annotator.NewScored(&annotator.Spec{Kind: "lexicon"}, short{})
	refused(err, "not made by Load")
}

// short answers one text, whatever it is asked.
type short struct{}

func (short) Score(context.Context, []annotator.Text) ([]annotator.Score, error) {
	return make([]annotator.Score, 1), nil
}
func (short) Digest() string           { return "short" }
func (short) Plain(text string) string { return text }

// fakeReward scores a text by its length. Its chat template is [system|user|answer].
type fakeReward struct{ texts []string }

func (f *fakeReward) Scores(_ context.Context, texts []string) ([]float64, error) {
	f.texts = append(f.texts, texts...)
	out := make([]float64, len(texts))
	for i, text := range texts {
		out[i] = float64(len(text))
	}
	return out, nil
}

func (f *fakeReward) Digest() string { return "reward" }

func (f *fakeReward) Plain(text string) string { return strings.ReplaceAll(text, "]", "] ") }

func (f *fakeReward) ChatText(system, user, answer string) (string, error) {
	if answer == "refused" {
		return "", oaif.DataError("no")
	}
	return "[" + system + "|" + user + "|" + answer + "]", nil
}

// TestRewardTexts: what a reward model is given, plain and as a chat.
func TestRewardTexts(t *testing.T) {
	record := map[string]string{"prompt": "Q"}
	question := oaif.Question{Fields: record, A: " long", B: "b"}
	const reward = "kind = \"reward\"\nmodel = \"folder\"\n"
	for more, want := range map[string][]string{
		"":                                   {"Q long", "Qb"},
		"prompt = \"{prompt}: {response}.\"": {"Q:  long.", "Q: b."},
		"chat = true":                        {"[|Q| long]", "[|Q|b]"},
		"chat = true\nsystem = \"S{prompt}\"\nprompt = \"Say {prompt}\"": {
			"[SQ|Say Q| long]", "[SQ|Say Q|b]"},
	} {
		m := &fakeReward{}
		got, err := scored(t, reward+more, annotator.LocalScorer(m), question)
		if err != nil || got[0].Verdict != oaif.VerdictA {
			t.Errorf("%q: %+v, %v", more, got, err)
		}
		if diff := cmp.Diff(want, m.texts); diff != "" {
			t.Errorf("%q: %s", more, diff)
		}
	}
	question.B = "refused"
	_, err := scored(t, reward+"chat = true", annotator.LocalScorer(&fakeReward{}), question)
	if !errors.Is(err, oaif.ErrData) {
		t.Errorf("a template that refuses: %v", err)
	}
}
