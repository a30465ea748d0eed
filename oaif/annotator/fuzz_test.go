package annotator_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/fuzztest"
)

// FuzzSpec: an annotator's file is refused in one line, or it is one that can be asked.
func FuzzSpec(f *testing.F) {
	shipped, err := filepath.Glob("../../configs/annotators/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range shipped {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{
		"kind = \"pointwise\"\nprompt = \"{{{response}}}\"\n", "kind = \"a\nb\"", "\"k\nd\" = 1",
		"kind = \"pointwise\"\nprompt = \"{response}{to\\rpic}\"", "prompt = {a = 1}",
		"a = " + strings.Repeat("{b=", 1000), "[a" + strings.Repeat(".a", 1000) + "]",
		"kind = \"pairwise\"\nchat = true\nsystem = \"{x}\"\nprompt = \"{a}{b}\"\n" +
			"labels = [\"A\", \"B\"]\ntie_margin = 0.1",
		"kind = \"pairwise\"\nprompt = \"{a}{b}\"\ntie_margin = -nan", "kind = \"pointwise",
		"kind = \"reward\"\nmodel = \"m\"\nchat = true\nprompt = \"{prompt}\"",
		"kind = \"command\"\ncommand = [\"a\", \"b\"]\ntimeout = \"3s\"",
		"kind = \"rule\"\nrule = \"regex\"\nprefer = \"more\"\npattern = '(?i)\\pL{9}(x|y{3}){40}'",
		"kind = \"rule\"\nrule = \"regex\"\nprefer = \"match\"\npattern = '(((x{9}){9}){9}){9}'",
	} {
		f.Add(text)
	}
	path := filepath.Join(f.TempDir(), "judge.toml")
	f.Fuzz(func(t *testing.T, text string) {
		err := os.WriteFile(path, []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		var spec *annotator.Spec
		// Three bytes of a pattern can name all letters, of which there are hundreds of ranges.
		fuzztest.Memory(t, len(text), 1<<14, func() { spec, err = annotator.Load(path) })
		fuzztest.OneLine(t, err, oaif.ErrUsage)
		if err == nil {
			checkSpec(t, spec)
		}
	})
}

func checkSpec(t *testing.T, spec *annotator.Spec) {
	t.Helper()
	c := spec.Candidates()
	asks := spec.Kind == annotator.Pointwise || spec.Kind == annotator.Pairwise
	if asks && (len(c) != 2 || c[0] == c[1] || slices.Contains(c, "")) || !asks && c != nil {
		t.Errorf("verdict tokens %q", c)
	}
	if !(spec.TieMargin >= 0 && spec.TieMargin < .5) {
		t.Errorf("tie margin %v", spec.TieMargin)
	}
	fuzztest.OneLine(t, spec.CheckFields(map[string]string{"prom\npt": ""}), oaif.ErrUsage)
	id, err := spec.ID((&fakeLM{}).Digest())
	if err != nil {
		t.Fatal(err)
	}
	again, err := annotator.Load(spec.Path())
	if err != nil {
		t.Fatal(err)
	}
	if same, err := again.ID((&fakeLM{}).Digest()); err != nil || same != id {
		t.Errorf("the same file is another annotator: %s, %s, %v", id, same, err)
	}
}
