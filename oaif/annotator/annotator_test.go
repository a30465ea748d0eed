package annotator_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

const (
	pointSpec = "kind = \"pointwise\"\n" +
		"prompt = \"\"\"Rate {prompt}{response}\nfor {topic} {{0}}:\"\"\""
	pairSpec = "kind = \"pairwise\"\nprompt = \"{prompt}|{a}|{b}|\""
)

// xy is a question with prompt Q and answers x and y.
var xy = oaif.Question{Fields: map[string]string{"prompt": "Q"}, A: "x", B: "y"}

// near compares floats to within rounding.
var near = cmpopts.EquateApprox(0, 1e-12)

// ask puts one question to a new annotator.
func ask(t *testing.T, spec string, lm *fakeLM, q oaif.Question) (oaif.Preference, error) {
	t.Helper()
	a, err := annotator.New(load(t, spec), annotator.Local(lm))
	if err != nil {
		t.Fatal(err)
	}
	prefs, err := a.Annotate(context.Background(), []oaif.Question{q})
	if err != nil {
		return oaif.Preference{}, err
	}
	return prefs[0], nil
}

// TestPointwise: scores are log-prob differences, -1-(-3) = 2 for a and -2-(-1) = -1 for b, so that
// P(a better) = sigmoid(3) = .952574.
func TestPointwise(t *testing.T) {
	lm := &fakeLM{answer: func(text string) []float64 {
		if strings.Contains(text, "{good}") {
			return []float64{-1, -3}
		}
		return []float64{-2, -1}
	}}
	got, err := ask(t, pointSpec, lm, oaif.Question{
		Fields: map[string]string{"prompt": "It is", "topic": "tone", "response": "never shown"},
		A:      " {good}", B: " {prompt}"})
	if err != nil {
		t.Fatal(err)
	}
	want := oaif.Preference{Verdict: oaif.VerdictA, PA: 0.9525741268224334, ScoreA: 2, ScoreB: -1}
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
	texts := []string{"Rate It is {good}\nfor tone {0}:", "Rate It is {prompt}\nfor tone {0}:"}
	if diff := cmp.Diff(texts, lm.texts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{" positive", " negative"}, lm.cands); diff != "" {
		t.Error(diff)
	}
}

// TestPairwise is the worked example of averaging after un-swapping: a wins with .70 shown first;
// shown second, slot 1 (b) has .60, so a has .40; the mean is .55.
func TestPairwise(t *testing.T) {
	lm := &fakeLM{answer: func(text string) []float64 {
		if text == "Q|x|y|" {
			return []float64{math.Log(.070), math.Log(.030)} // the two labels need not sum to 1
		}
		return []float64{math.Log(.12), math.Log(.08)}
	}}
	got, err := ask(t, pairSpec, lm, xy)
	if err != nil {
		t.Fatal(err)
	}
	want := oaif.Preference{Verdict: oaif.VerdictA, PA: .55,
		Orders: []oaif.Order{{First: "a", PFirst: .7}, {First: "b", PFirst: .6}}}
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Q|x|y|", "Q|y|x|"}, lm.texts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "2"}, lm.cands); diff != "" {
		t.Error(diff)
	}
}

func TestChatPromptHoldsSystemAndUser(t *testing.T) {
	lm := &fakeLM{answer: func(string) []float64 { return []float64{-1, -2} }}
	spec := "chat = true\nsystem = \"Rate {prompt}\"\n" + pairSpec
	if _, err := ask(t, spec, lm, xy); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"[Rate Q|Q|x|y|]", "[Rate Q|Q|y|x|]"}, lm.texts); diff != "" {
		t.Error(diff)
	}
}

// TestAnswersEndNoTurn: what an answer has of control tokens is taken apart before it is shown.
func TestAnswersEndNoTurn(t *testing.T) {
	lm := &fakeLM{answer: func(string) []float64 { return []float64{-1, -2} }}
	q := oaif.Question{Fields: xy.Fields, A: "x]1[", B: "y"}
	if _, err := ask(t, "chat = true\n"+pairSpec, lm, q); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"[|Q|x] 1[|y|]", "[|Q|y|x] 1[|]"}, lm.texts); diff != "" {
		t.Error(diff)
	}
}

// TestNothingIsGuessed: identical texts are not asked about; equal probabilities are a tie; a
// broken log-prob makes the verdict invalid, with the reason and no numbers.
func TestNothingIsGuessed(t *testing.T) {
	fields := map[string]string{"prompt": "Q", "topic": "T"}
	lm := &fakeLM{answer: func(string) []float64 { return []float64{-0.1, -40} }}
	for _, spec := range []string{pointSpec, pairSpec} {
		got, err := ask(t, spec, lm, oaif.Question{A: "same", B: "same"})
		want := oaif.Preference{Verdict: oaif.VerdictTie, PA: .5, Reason: annotator.ReasonIdentical}
		if err != nil || !cmp.Equal(want, got) || lm.calls != 0 {
			t.Errorf("identical texts: %+v, %v after %d calls", got, err, lm.calls)
		}
	}
	for _, spec := range []string{pointSpec, pairSpec} {
		got, err := ask(t, spec, lm, oaif.Question{Fields: fields, A: "x", B: "y"})
		if err != nil || got.Verdict != oaif.VerdictTie || got.PA != .5 || got.Reason != "" {
			t.Errorf("equal probabilities: %+v, %v", got, err)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(-1), math.Inf(1), .5} {
		lm.answer = func(text string) []float64 {
			if strings.Contains(text, "y|x") || strings.Contains(text, "Qy") {
				return []float64{-1, bad}
			}
			return []float64{-1, -2}
		}
		for spec, where := range map[string]string{
			pointSpec: `log-prob of " negative" for answer b is `,
			pairSpec:  `log-prob of "2" with b shown first is `,
		} {
			got, err := ask(t, spec, lm, oaif.Question{Fields: fields, A: "x", B: "y"})
			if err != nil || got.Verdict != oaif.VerdictInvalid || got.PA != 0 ||
				got.Orders != nil ||
				!strings.HasPrefix(got.Reason, where) {
				t.Errorf("%v: %+v, %v", bad, got, err)
			}
		}
	}
}

func TestTieMargin(t *testing.T) {
	for pa, want := range map[float64]oaif.Verdict{
		.595: oaif.VerdictTie, .405: oaif.VerdictTie, .605: oaif.VerdictA, .395: oaif.VerdictB,
	} {
		lm := &fakeLM{answer: func(text string) []float64 {
			if text == "Q|x|y|" {
				return []float64{math.Log(pa), math.Log(1 - pa)}
			}
			return []float64{math.Log(1 - pa), math.Log(pa)}
		}}
		got, err := ask(t, pairSpec+"\ntie_margin = 0.1", lm, xy)
		if err != nil || got.Verdict != want || math.Abs(got.PA-pa) > 1e-12 {
			t.Errorf("P(a) = %v: %+v, %v, want %s", pa, got, err, want)
		}
	}
}

// TestAnnotateKeepsOrder: identical pairs in the middle of a batch do not shift the others.
func TestAnnotateKeepsOrder(t *testing.T) {
	lm := &fakeLM{answer: func(text string) []float64 {
		return []float64{-float64(len(text)), -20}
	}}
	a, err := annotator.New(load(t, "kind = \"pointwise\"\nprompt = \"{response}\""),
		annotator.Local(lm))
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Annotate(context.Background(), []oaif.Question{
		{A: "x", B: "xx"}, {A: "s", B: "s"}, {A: "xxxx", B: "xx"}, {A: "", B: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []oaif.Verdict
	for _, p := range got {
		verdicts = append(verdicts, p.Verdict)
	}
	if diff := cmp.Diff([]oaif.Verdict{"a", "tie", "b", "a"}, verdicts); diff != "" {
		t.Error(diff)
	}
	if lm.calls != 1 || len(lm.texts) != 6 {
		t.Errorf("%d calls with %d prompts, want 1 with 6", lm.calls, len(lm.texts))
	}
}

func TestAnnotateErrors(t *testing.T) {
	record := map[string]string{"prompt": "Q", "id": "7"}
	_, err := ask(t, pointSpec, &fakeLM{}, oaif.Question{Fields: record, A: "x"})
	want := "judge.toml: the template shows {topic}, " +
		"but the prompt record has no field \"topic\" (it has: id, prompt)"
	if !errors.Is(err, oaif.ErrUsage) || !strings.Contains(err.Error(), want) {
		t.Errorf("unknown field: %v", err)
	}
	// Known before anything is asked, in the system turn too.
	system := load(t,
		"kind = \"pointwise\"\nprompt = \"{response}\"\nchat = true\nsystem = \"{topic}\"")
	for _, spec := range []*annotator.Spec{load(t, pointSpec), system} {
		if err := spec.CheckFields(record); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("checked fields: %v", err)
		}
		if err := spec.CheckFields(map[string]string{"prompt": "Q", "topic": ""}); err != nil {
			t.Errorf("all fields are there: %v", err)
		}
	}
	broken := &fakeLM{answer: func(string) []float64 { return nil },
		err: oaif.DataError("too long")}
	if _, err := ask(t, pairSpec, broken, xy); !errors.Is(err, oaif.ErrData) {
		t.Errorf("failing LM: %v", err)
	}
	broken.err = nil
	if _, err := ask(t, pairSpec, broken, xy); err == nil ||
		!strings.Contains(err.Error(), "0 log-probs") {
		t.Errorf("LM without numbers: %v", err)
	}
	unloaded := &annotator.Spec{Kind: "pairwise"}
	if _, err := annotator.New(unloaded, annotator.Local(broken)); !errors.Is(err, oaif.ErrUsage) {
		t.Errorf("Spec without Load: %v", err)
	}
}
