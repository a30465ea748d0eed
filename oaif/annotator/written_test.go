package annotator_test

import (
	"context"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// script is a Writer that says one text after the other.
type script []string

func (s script) Write(
	_ context.Context, prompts []annotator.Prompt, _ int,
) ([]annotator.Said, error) {
	out := make([]annotator.Said, len(prompts))
	for i := range out {
		out[i].Text = s[i]
	}
	return out, nil
}

const written = `
prompt = %s
[remote]
url = "http://x/v1"
model = "m"
answers = "text"
`

func ofText(t *testing.T, head, prompt string, texts ...string) oaif.Preference {
	t.Helper()
	spec := load(t, head+strings.Replace(written, "%s", prompt, 1))
	a, err := annotator.NewWritten(spec, script(texts))
	if err != nil {
		t.Fatal(err)
	}
	prefs, err := a.Annotate(context.Background(), []oaif.Question{{A: "x", B: "y"}})
	if err != nil {
		t.Fatal(err)
	}
	return prefs[0]
}

// TestWrittenLabels: one label that stands alone is a verdict; none, or both, is not.
func TestWrittenLabels(t *testing.T) {
	for _, c := range []struct {
		first, second string
		want          oaif.Verdict
		pa            float64
	}{
		{"1", "2", oaif.VerdictA, 1},
		{" **2**\n", "Reply 1.", oaif.VerdictB, 0},
		{"1", "1", oaif.VerdictTie, .5},
		{"1 or 2", "2", oaif.VerdictInvalid, 0},
		{"1", "Neither.", oaif.VerdictInvalid, 0},
		{"12", "2", oaif.VerdictInvalid, 0},
		{"", "2", oaif.VerdictInvalid, 0},
	} {
		got := ofText(t, `kind = "pairwise"`, `"{a}{b}"`, c.first, c.second)
		if got.Verdict != c.want || got.PA != c.pa {
			t.Errorf("%q and %q: %+v", c.first, c.second, got)
		}
		invalid := c.want == oaif.VerdictInvalid
		if invalid == got.Text || invalid != (got.Reason != "") {
			t.Errorf("%q and %q: %+v", c.first, c.second, got)
		}
	}
}

// TestWrittenScores: one number from 1 to 10 is a score.
func TestWrittenScores(t *testing.T) {
	for _, c := range []struct {
		text  string
		score float64 // 0: none
	}{
		{"7", 7}, {"Score: 7.5", 7.5}, {"8/10", 8}, {"8 out of 10.", 8}, {"10/10", 10}, {"10", 10},
		{"0", 0}, {"11", 0}, {"-3", 0}, {"7 or 8", 0}, {"good", 0}, {"", 0},
		{"GPT4 likes it", 0}, {"8%", 0}, {"9 %", 0}, {"B2b", 0}, {"1e1", 0}, {"Score:8", 8},
	} {
		got := ofText(t, `kind = "pointwise"`, `"{response}"`, c.text, "5")
		if c.score == 0 {
			if got.Verdict != oaif.VerdictInvalid || got.Reason == "" {
				t.Errorf("%q: %+v", c.text, got)
			}
			continue
		}
		if got.ScoreA != c.score || got.ScoreB != 5 || !got.Text {
			t.Errorf("%q: %+v", c.text, got)
		}
	}
}

// TestRemoteKeys: keys of [remote] that cannot be used, or would have no effect, are refused.
func TestRemoteKeys(t *testing.T) {
	const pair = "kind = \"pairwise\"\nprompt = \"{a}{b}\"\n"
	const point = "kind = \"pointwise\"\nprompt = \"{response}\"\n"
	const there = "[remote]\nurl = \"http://x/v1\"\nmodel = \"m\"\n"
	for _, c := range []struct{ text, want string }{
		{pair + "[remote]\nmodel = \"m\"\n",
			"remote.url is missing"},
		{pair + "[remote]\nurl = \"x\"\nmodel = \"m\"\n",
			`remote.url is "x"`},
		{pair + "[remote]\nurl = \"http://k@x\"\nmodel = \"m\"\n",
			"must hold no user"},
		{pair + there + "answers = \"words\"\n",
			`remote.answers is "words"`},
		{pair + there + "max_new_tokens = 9\n",
			`"remote.max_new_tokens" has no effect`},
		{pair + there + "concurrency = 0\n",
			"remote.concurrency is 0"},
		{pair + there + "timeout = \"0s\"\n",
			"remote.timeout is 0s"},
		{pair + there + "retries = -1\n",
			"remote.retries is -1"},
		{pair + there + "max_cost = 1\n",
			"needs remote.price_in"},
		{pair + there + "price_in = -1\n",
			"remote.price_in is -1"},
		{pair + there + "modle = \"m\"\n",
			`did you mean "remote.model"?`},
		{pair + "model = \"m\"\n" + there,
			`"model" has no effect with [remote]`},
		{pair + "labels = [\"1\", \" 1\"]\n" + there,
			"labels [\"1\" \" 1\"]: an endpoint's are read without the spaces"},
		{pair + "labels = [\"1\", \" \"]\n" + there,
			"an endpoint's are read without the spaces"},
		{pair + there + "key_env = \"sk-1234\"\n",
			"remote.key_env must be the name of an environment variable"},
		{point + "chat = true\n" + there,
			"no endpoint scores a given text"},
		{point + "positive = \"a\"\n" + there + "answers = \"text\"\n",
			`keys "positive" and "negative" have no effect`},
	} {
		if _, err := annotator.Load(writeFile(t, "judge.toml", c.text)); err == nil ||
			!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sk-1234") {
			t.Errorf("%s: got %v, wants %q", c.text, err, c.want)
		}
	}
}
