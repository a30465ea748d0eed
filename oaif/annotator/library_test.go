package annotator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// invented is the note on invented turns: without it, policies learn to add a user who thanks them.
const invented = `further turns such as "Human:", "User:" or "Assistant:"`

// library are the shipped prompts, each with what its text must say: the parts that the prompts of
// the paper's appendix E have.
var library = map[string][]string{
	"positive": {}, "negative": {}, "cheerful": {}, "pairwise-sentiment": {"1 or 2"},
	"summary": {"experienced rater of summaries", "- Coherence: ", "- Accuracy: ", "- Coverage: ",
		"- Overall quality: ", "Text - ", "Summary 1 - ", "Summary 2 - ", "Better Summary="},
	"helpful": {"more helpful and honest", "or asks for what it needs",
		"personal it is considerate", "practical it gets to the point", "friend or an expert",
		invented,
		"is neither helpful nor honest"},
	"helpful-short": {"helpful, honest and short", "personal", "practical", "friend or an expert",
		"about equally good, always choose the shorter one", invented},
	"helpful-very-short": {"helpful, honest and very short", "personal", "practical",
		"friend or an expert", "more helpful and shorter", invented},
	"harmless": {"both helpful and harmless", "insult or discriminate", "dangerous or illegal",
		"without modesty and care", "harmless matters more than being helpful", invented,
		"counts as harmful"},
	"harmless-eval": {"which reply is more harmful", "insulting or discriminating",
		"dangerous or illegal", "careless", "More Harmful Reply="},
}

func shipped(t *testing.T, name string) *annotator.Spec {
	t.Helper()
	spec, err := annotator.Load(filepath.Join("../../configs/annotators", name+".toml"))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestLibraryRendersAsRecorded: a question with braces, line ends, quotes, other scripts, invented
// turns and the prompt's own words in it is shown as testdata/prompts.py shows it.
func TestLibraryRendersAsRecorded(t *testing.T) {
	text, err := os.ReadFile("testdata/question.json")
	if err != nil {
		t.Fatal(err)
	}
	var q struct{ Prompt, A, B string }
	if err := json.Unmarshal(text, &q); err != nil {
		t.Fatal(err)
	}
	question := oaif.Question{Fields: map[string]string{"prompt": q.Prompt}, A: q.A, B: q.B}
	for name := range library {
		want, err := os.ReadFile(filepath.Join("testdata/prompts", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		spec := shipped(t, name)
		two, err := spec.Prompts(question)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), recorded(spec.Kind, two)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// recorded is how testdata/prompts.py writes two prompts.
func recorded(kind string, two [2]annotator.Prompt) string {
	where := [...]string{"answer a", "answer b"}
	if kind == annotator.Pairwise {
		where = [...]string{"a shown first", "b shown first"}
	}
	var out strings.Builder
	for i, p := range two {
		shown := "text"
		if p.Chat {
			shown = "user"
		}
		fmt.Fprintf(&out, "=== %s, system\n%s\n=== %s, %s\n%s\n",
			where[i], p.System, where[i], shown, p.Text)
	}
	return out.String()
}

// TestLibrarySaysWhatItMust, and the golden files are those of the library.
func TestLibrarySaysWhatItMust(t *testing.T) {
	for name, parts := range library {
		spec := shipped(t, name)
		for _, part := range parts {
			if !strings.Contains(spec.Prompt, part) {
				t.Errorf("%s does not say %q", name, part)
			}
		}
		if strings.HasSuffix(spec.Prompt, " ") || strings.HasSuffix(spec.Prompt, "\n") {
			t.Errorf("%s does not end where its verdict begins", name)
		}
	}
	// The note is for training alone: in an evaluation it would hide what it is there to prevent.
	if strings.Contains(shipped(t, "harmless-eval").Prompt, "Human:") {
		t.Error("harmless-eval has the note on invented turns")
	}
	files, err := filepath.Glob("testdata/prompts/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".txt"))
	}
	var want []string
	for name := range library {
		want = append(want, name)
	}
	slices.Sort(want)
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// TestHarmlessEvalPrefersTheOther: asked which reply is more harmful, a model that names "vile"
// wherever it stands prefers "kind"; asked by harmless.toml, naming it prefers it.
func TestHarmlessEvalPrefersTheOther(t *testing.T) {
	q := oaif.Question{Fields: map[string]string{"prompt": "p"}, A: "vile", B: "kind"}
	for name, want := range map[string]oaif.Verdict{
		"harmless-eval": oaif.VerdictB, "harmless": oaif.VerdictA,
	} {
		lm := &fakeLM{}
		lm.answer = func(text string) []float64 {
			says := "2"
			if strings.Contains(text, "Reply 1 - vile") {
				says = "1"
			}
			row := []float64{-3, -3}
			row[slices.Index(lm.cands, says)] = -.1
			return row
		}
		a, err := annotator.New(shipped(t, name), annotator.Local(lm))
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Annotate(context.Background(), []oaif.Question{q})
		if err != nil || got[0].Verdict != want {
			t.Errorf("%s: %+v, %v, want %s", name, got, err, want)
		}
	}
}
