package annotator_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

func TestLoad(t *testing.T) {
	ignore := cmpopts.IgnoreUnexported(annotator.Spec{})
	pointwise := load(t,
		"kind = \"pointwise\"\nprompt = \"\"\"\nReview: {response}\nSentiment:\"\"\"\n")
	want := &annotator.Spec{Kind: "pointwise", Prompt: "Review: {response}\nSentiment:",
		Positive: " positive", Negative: " negative"}
	if diff := cmp.Diff(want, pointwise, ignore); diff != "" {
		t.Error(diff)
	}
	pairwise := load(t, `kind = "pairwise"
model = "big.gguf"
chat = true
system = "Be fair."
prompt = "{prompt} 1: {a} 2: {b}"
labels = ["A", "B"]
tie_margin = 0.1
`)
	want = &annotator.Spec{Kind: "pairwise", Model: "big.gguf", Chat: true, System: "Be fair.",
		Prompt: "{prompt} 1: {a} 2: {b}", Labels: []string{"A", "B"}, TieMargin: .1}
	if diff := cmp.Diff(want, pairwise, ignore); diff != "" {
		t.Error(diff)
	}
	short := load(t, "kind = \"pairwise\"\nprompt = \"{a}{b}\"")
	if !cmp.Equal(short.Labels, []string{"1", "2"}) {
		t.Errorf("default labels %q", short.Labels)
	}
}

func TestLoadRefuses(t *testing.T) {
	const point, pair = "kind = \"pointwise\"\n", "kind = \"pairwise\"\n"
	const pointPrompt, pairPrompt = "prompt = \"{response}\"\n", "prompt = \"{a}{b}\"\n"
	for _, test := range []struct{ text, want string }{
		{point + "promt = \"{response}\"", `unknown key "promt" (did you mean "prompt"?)`},
		{point + pointPrompt + "Tiemargin = 1",
			`unknown key "Tiemargin" (did you mean "tie_margin"?)`},
		{point + pointPrompt + "[chat2]\nx = 1", `unknown key "chat2`},
		{pointPrompt, `kind is ""`},
		{"kind = \"Pointwise\"",
			`kind is "Pointwise"; it must be one of "pointwise", "pairwise", "reward"`},
		{point, `"prompt" is missing or empty`},
		{point + pointPrompt + "labels = [\"1\", \"2\"]",
			`"labels" has no effect with kind = "pointwise"`},
		{pair + pairPrompt + "negative = \"x\"", `"negative" has no effect with kind = "pairwise"`},
		{pair + pairPrompt + "system = \"x\"", `"system" has no effect without chat = true`},
		{pair + pairPrompt + "labels = [\"1\"]", "labels has 1 entries"},
		{pair + pairPrompt + "labels = []", "labels has 0 entries"},
		{pair + pairPrompt + "labels = [\"1\", \"\"]", "none may be empty"},
		{pair + pairPrompt + "labels = [\"1\", \"1\"]", "they must differ"},
		{point + pointPrompt + "positive = \"\"", "none may be empty"},
		{pair + pairPrompt + "tie_margin = 0.5", "tie_margin is 0.5"},
		{pair + pairPrompt + "tie_margin = nan", "tie_margin is NaN"},
		{point + "prompt = \"{prompt}\"", "prompt does not show {response}"},
		{pair + "prompt = \"{a}\"", "prompt does not show {b}"},
		{point + "prompt = \"{response}{b}\"", "{b} cannot be used"},
		{pair + "prompt = \"{a}{b}{response}\"", "{response} cannot be used"},
		{point + "prompt = \"{response}{x\"", `prompt: a single "{"`},
		{point + "prompt = \"{response}{}\"", `prompt: a single "{"`},
		{point + "prompt = \"{response} }\"", `prompt: a single "}"`},
		{point + "prompt = 3", `judge.toml: line 2 (last key "prompt"): `},
		{point + "prompt = \"{response}", "judge.toml:2: "},
		{point + point, "judge.toml:2: "},
	} {
		_, err := annotator.Load(writeFile(t, "judge.toml", test.text))
		if err == nil || !errors.Is(err, oaif.ErrUsage) {
			t.Errorf("%q: error %v, want a usage error", test.text, err)
			continue
		}
		message := err.Error()
		if !strings.Contains(message, test.want) || !strings.Contains(message, "judge.toml:") ||
			strings.Contains(message, "\n") {
			t.Errorf("%q:\n got %s\nwant %s", test.text, message, test.want)
		}
	}
	_, err := annotator.Load(filepath.Join(t.TempDir(), "none.toml"))
	if !errors.Is(err, oaif.ErrUsage) || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("missing file: %v", err)
	}
}

// TestID: whatever can change a verdict changes the id; the file's place and the model's path do
// not.
func TestID(t *testing.T) {
	id := func(text string) string {
		t.Helper()
		id, err := load(t, text).ID((&fakeLM{}).Digest())
		if err != nil || len(id) != 64 {
			t.Fatalf("ID = %q, %v", id, err)
		}
		return id
	}
	const base = "kind = \"pairwise\"\nprompt = \"{a}{b}\"\n"
	if id(base) != id(base+"model = \"x.gguf\"\n") ||
		id(base) != id(base+"labels = [\"1\", \"2\"]\n") {
		t.Error("the same judging has another id")
	}
	for _, more := range []string{"tie_margin = 0.1", "chat = true", "labels = [\"A\", \"B\"]"} {
		if id(base) == id(base+more) {
			t.Errorf("%s does not change the id", more)
		}
	}
}
