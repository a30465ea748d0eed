package annotator_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

const (
	rewardSpec  = "kind = \"reward\"\nmodel = \"folder\"\n"
	commandSpec = "kind = \"command\"\ncommand = [\"judge\", \"--fast\"]\n"
	ruleSpec    = "kind = \"rule\"\n"
	lengthSpec  = ruleSpec + "rule = \"length\"\n"
	regexSpec   = ruleSpec + "rule = \"regex\"\n"
)

func TestLoadFillsKinds(t *testing.T) {
	for text, want := range map[string]*annotator.Spec{
		rewardSpec: {Kind: "reward", Model: "folder", Prompt: "{prompt}{response}"},
		rewardSpec + "chat = true": {Kind: "reward", Model: "folder", Chat: true,
			Prompt: "{prompt}"},
		commandSpec: {Kind: "command", Command: []string{"judge", "--fast"}, Timeout: time.Minute},
		commandSpec + "timeout = \"1.5s\"\ntie_margin = 0.25": {Kind: "command", TieMargin: .25,
			Command: []string{"judge", "--fast"}, Timeout: 1500 * time.Millisecond},
		"kind = \"lexicon\"": {Kind: "lexicon", Prompt: "{response}"},
		lengthSpec + "prefer = \"longer\"": {Kind: "rule", Rule: "length", Prefer: "longer",
			Unit: "words", Prompt: "{response}"},
		regexSpec + "prefer = \"fewer\"\npattern = '\\d'": {Kind: "rule", Rule: "regex",
			Prefer: "fewer", Pattern: `\d`, Prompt: "{response}"},
	} {
		got := load(t, text)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(annotator.Spec{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
		if got.Candidates() != nil {
			t.Errorf("%q compares the tokens %q", text, got.Candidates())
		}
		if err := got.CheckFields(map[string]string{"prompt": ""}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLoadRefusesKinds(t *testing.T) {
	const shorter, match = lengthSpec + "prefer = \"shorter\"\n", regexSpec + "prefer = \"match\"\n"
	for _, c := range []struct{ text, want string }{
		{"kind = \"lexicon\"\npositive = \"x\"",
			`key "positive" has no effect with kind = "lexicon"; delete it`},
		{"kind = \"lexicon\"\nmodel = \"x\"", `"model" has no effect with kind = "lexicon"`},
		{"kind = \"lexicon\"\nprompt = \"{prompt}\"", "prompt does not show {response}"},
		{"kind = \"lexicon\"\nprompt = \"\"", `"prompt" is missing or empty`},
		{"kind = \"pairwise\"\nprompt = \"{a}{b}\"\npattern = \"x\"",
			`"pattern" has no effect with kind = "pairwise"`},
		{"kind = \"reward\"", `"model" is missing or empty`},
		{rewardSpec + "labels = [\"1\", \"2\"]", `"labels" has no effect with kind = "reward"`},
		{rewardSpec + "[remote]\nurl = \"http://x\"",
			`"remote" has no effect with kind = "reward"`},
		{rewardSpec + "system = \"x\"", `"system" has no effect without chat = true`},
		{rewardSpec + "prompt = \"{prompt}\"", "prompt does not show {response}"},
		{rewardSpec + "chat = true\nprompt = \"{prompt}{response}\"",
			`{response} cannot be used with kind = "reward" and chat = true`},
		{rewardSpec + "prompt = \"{response}{a}\"", "{a} cannot be used"},
		{"kind = \"command\"", `"command" is missing or empty`},
		{"kind = \"command\"\ncommand = []", `"command" is missing or empty`},
		{"kind = \"command\"\ncommand = [\"\"]", `"command" is missing or empty`},
		{"kind = \"command\"\ncommand = [\"a\", \"b\\u0000\"]", "zero byte"},
		{commandSpec + "timeout = \"0s\"", "timeout is 0s; it must be above 0"},
		{commandSpec + "timeout = \"soon\"", `judge.toml:3: invalid duration: "soon"`},
		{commandSpec + "prompt = \"{a}{b}\"", `"prompt" has no effect with kind = "command"`},
		{commandSpec + "rule = \"length\"", `"rule" has no effect with kind = "command"`},
		{"kind = \"lexicon\"\ntimeout = \"1s\"", `"timeout" has no effect with kind = "lexicon"`},
		{ruleSpec, `rule is ""; it must be "length" or "regex"`},
		{ruleSpec + "rule = \"size\"", `rule is "size"`},
		{lengthSpec, `prefer is ""; with rule = "length" it must be one of "shorter", "longer"`},
		{lengthSpec + "prefer = \"match\"", `prefer is "match"`},
		{shorter + "unit = \"lines\"", `unit is "lines"; it must be "words" or "characters"`},
		{shorter + "pattern = \"x\"", `"pattern" has no effect with rule = "length"`},
		{shorter + "prompt = \"{a}{response}\"", "{a} cannot be used"},
		{regexSpec + "prefer = \"longer\"", `prefer is "longer"`},
		{match, "pattern has 0 bytes; it must have 1 to 1000"},
		{match + "pattern = \"" + strings.Repeat("x", 1001) + "\"", "pattern has 1001 bytes"},
		{match + "pattern = \"(\"", "pattern: error parsing regexp: missing closing )"},
		{match + "pattern = '(?=x)'", "pattern: error parsing regexp"},
		{match + "pattern = '(abc){400}'", "pattern repeats too much"},
		{match + "pattern = 'x{1000}y'", "pattern repeats too much"},
		{match + "pattern = \"x\"\nunit = \"words\"", `"unit" has no effect with rule = "regex"`},
		{"kind = \"rule\"\nprefers = \"x\"", `unknown key "prefers" (did you mean "prefer"?)`},
	} {
		_, err := annotator.Load(writeFile(t, "judge.toml", c.text))
		if !errors.Is(err, oaif.ErrUsage) {
			t.Errorf("%q: error %v, want a usage error", c.text, err)
			continue
		}
		if m := err.Error(); !strings.Contains(m, c.want) || !strings.Contains(m, "judge.toml:") ||
			strings.Contains(m, "\n") {
			t.Errorf("%q:\n got %s\nwant %s", c.text, m, c.want)
		}
	}
}

// TestIDOfKinds: what decides changes the id; how long a program may take does not.
func TestIDOfKinds(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"kind = \"lexicon\"", "kind = \"lexicon\"\nprompt = \"{prompt}{response}\"",
		lengthSpec + "prefer = \"shorter\"", lengthSpec + "prefer = \"longer\"",
		lengthSpec + "prefer = \"longer\"\nunit = \"characters\"",
		regexSpec + "prefer = \"more\"\npattern = \"x\"",
		regexSpec + "prefer = \"more\"\npattern = \"y\"",
		commandSpec, "kind = \"command\"\ncommand = [\"judge\"]",
	} {
		id, err := load(t, text).ID("digest")
		if err != nil {
			t.Fatal(err)
		}
		if same, ok := seen[id]; ok {
			t.Errorf("%q has the id of %q", text, same)
		}
		seen[id] = text
	}
	slow, err := load(t, commandSpec+"timeout = \"1h\"").ID("digest")
	if err != nil || seen[slow] != commandSpec {
		t.Errorf("another timeout is another annotator, %v", err)
	}
}
