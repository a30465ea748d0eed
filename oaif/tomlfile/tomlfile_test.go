package tomlfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/fuzztest"
	"github.com/oaif/oaif/oaif/tomlfile"
)

func decode(text string) (map[string]any, error) {
	tree := map[string]any{}
	_, err := tomlfile.Decode("run.toml", text, &tree)
	return tree, err
}

func TestDeepTextIsRefused(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 9) }
	for _, c := range []struct{ text, want string }{
		{"\na = " + many("["), "run.toml:2: tables, lists or keys are nested"},
		{"a = " + many("{b="), "run.toml:1: tables"},
		{"a = {" + many("b={"), "run.toml:1: tables"},
		{"a = '''\n\n'''\na" + many(".a") + " = 1", "run.toml:4: tables"},
		{"[a" + many(" . a") + "]", "run.toml:1: tables"},
		{"a = \"\\\"\" # \"\n" + "[a" + many(".a") + "]", "run.toml:2: tables"},
		{"a = \"\"\"\"\"\"\"\nb = " + many("["), "run.toml:2: tables"},
		{"a = {b = \"\"\"\"\"\", c" + many(".a"), "run.toml:1: tables"},
		{"a = {b = ''''''', c" + many(".a"), "run.toml:1: tables"},
		{strings.Repeat("# long\n", 1<<18), "run.toml: has 1835008 bytes"},
	} {
		_, err := decode(c.text)
		fuzztest.OneLine(t, err, oaif.ErrUsage)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestTextInStringsIsNotDeep: prompts are full of braces and dots.
func TestTextInStringsIsNotDeep(t *testing.T) {
	deep := strings.Repeat("{[.", 20)
	for _, text := range []string{
		"a = \"" + deep + "\"", "a = '" + deep + "'", "a = \"\\\"" + deep + "\"",
		"a = '''\n'" + deep + "\n''" + deep + "'''", "a = \"\"\"\"" + deep + "\\\"\"\"\"",
		"a = '\\' # " + deep, "a = 1 # '" + deep, "\"" + deep + "\" = 1",
		"a = [" + strings.Repeat("1.5, ", 100) + "]", strings.Repeat("[[a.b]]\n", 100),
	} {
		if _, err := decode(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestErrorsNameFileAndLine(t *testing.T) {
	for text, want := range map[string]string{
		"a = 1\nb = \"x": "run.toml:2: ",
		"a = 1\na = 2":   "run.toml:2: ",
	} {
		_, err := decode(text)
		if !errors.Is(err, oaif.ErrUsage) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	var number struct{ A int }
	_, err := tomlfile.Decode("run.toml", "a = \"x\"", &number)
	if !errors.Is(err, oaif.ErrUsage) || !strings.HasPrefix(err.Error(), "run.toml: ") {
		t.Errorf("%v", err)
	}
}

// FuzzTOML: no text makes the decoder ask for memory, or work, out of proportion.
func FuzzTOML(f *testing.F) {
	for _, text := range []string{
		"[train]\nsteps = 5\nbetas = [0.9, 0.95]\n", "a.b.c = {d.e = [{f = 1}]}",
		"a = '''\n''''", "a = \"\"\"\\\n \"\"\"\"\" # x", "[[a]]\n[[a]]\nb = 1979-05-27T07:32:00Z",
		strings.Repeat("a={b.c=1,", 8), "[\"a\nb\"]", "a = \"\\u0000\\n\"",
		strings.Repeat("[a.a.a.a.a.a.a.a.a]\n", 9), "a = " + strings.Repeat("[", 8),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var err error
		fuzztest.Memory(t, len(text), 1024, func() { _, err = decode(text) })
		fuzztest.OneLine(t, err, oaif.ErrUsage)
	})
}
