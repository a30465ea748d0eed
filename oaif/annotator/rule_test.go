package annotator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// TestRules: each rule's two scores and its verdict.
func TestRules(t *testing.T) {
	const length = "kind = \"rule\"\nrule = \"length\"\n"
	const regex = "kind = \"rule\"\nrule = \"regex\"\n"
	for _, c := range []struct {
		text, a, b string
		scores     [2]float64
		want       oaif.Verdict
	}{
		{length + `prefer = "shorter"`, "one\n two", " one two three ", [2]float64{-2, -3}, "a"},
		{length + `prefer = "longer"`, "one two", "one two three", [2]float64{2, 3}, "b"},
		{length + "prefer = \"longer\"\nunit = \"characters\"", "ééé", "abcd", [2]float64{3, 4},
			"b"},
		{length + `prefer = "shorter"`, "", "!", [2]float64{0, -1}, "a"},
		{length + `prefer = "shorter"`, "a b", "c d", [2]float64{-2, -2}, "tie"},
		{length + "prefer = \"longer\"\nprompt = \"{prompt} {response}\"", "a", "b c",
			[2]float64{2, 3}, "b"},
		{regex + "prefer = \"match\"\npattern = '(?i)answer: \\d+'", "Answer: 7", "seven",
			[2]float64{1, 0}, "a"},
		{regex + "prefer = \"no match\"\npattern = '!'", "Hi!!", "Hi", [2]float64{-1, 0}, "b"},
		{regex + "prefer = \"match\"\npattern = '!'", "!", "!!", [2]float64{1, 1}, "tie"},
		{regex + "prefer = \"more\"\npattern = '!'", "!", "!!", [2]float64{1, 2}, "b"},
		{regex + "prefer = \"fewer\"\npattern = 'aa'", "aaaaa", "a", [2]float64{-2, 0}, "b"},
	} {
		rule, err := annotator.NewRule(load(t, c.text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := scored(t, c.text, rule, oaif.Question{
			Fields: map[string]string{"prompt": "Q"}, A: c.a, B: c.b})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.scores, [2]float64{got[0].ScoreA, got[0].ScoreB}); diff != "" ||
			got[0].Verdict != c.want {
			t.Errorf("%s: verdict %s, want %s\n%s", c.text, got[0].Verdict, c.want, diff)
		}
	}
	if _, err := annotator.NewRule(load(t, lexiconSpec)); err == nil {
		t.Error("a lexicon became a rule")
	}
}
