package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/config"
	"github.com/oaif/oaif/oaif/fuzztest"
)

const smallRun = `[model]
path = "m.gguf"
[data]
train = "t.jsonl"
heldout = "h.jsonl"
[annotator]
file = "a.toml"
[run]
out = "runs/x"
`

// FuzzRun: whatever a run's file and a --set flag say, every problem is one line, and a run that is
// accepted is valid and is the same run after it was written and read again.
func FuzzRun(f *testing.F) {
	demo, err := os.ReadFile("../../configs/demo.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		string(demo), smallRun, "train = 5", "[[train]]\nsteps = 1", "\"a\nb\" = 1", "a = \"x",
		smallRun + "[loss]\nkind = \"ipo\"\n[optimizer]\nbetas = [0.5, 0]\nlearning_rate = 1e-3\n",
		smallRun + "[sampler]\ntop_p = nan\ntop_k = -1\n[train]\nseed = 9223372036854775807\n",
		"a = " + strings.Repeat("{b=", 1000), "[a" + strings.Repeat(".a", 1000) + "]",
		"\"train.steps\" = 3\n" + smallRun, "model = {path = 1979-05-27, eos = [1, \"x\"]}",
	} {
		f.Add(text, "train.steps=7")
	}
	f.Add(smallRun, "model.path=a\nb")
	f.Add(smallRun, "data.template = '{prompt}\r'")
	f.Add(smallRun, "x\n\x1b=1")
	path := filepath.Join(f.TempDir(), "run.toml")
	f.Fuzz(func(t *testing.T, text, set string) {
		var c *config.Config
		err := os.WriteFile(path, []byte(text), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		fuzztest.Memory(t, len(text)+len(set), 1024, func() {
			c, err = config.Load(path, []string{set})
		})
		if err != nil {
			checkProblems(t, err)
			return
		}
		checkRun(t, c, path)
	})
}

// checkProblems: several problems are several errors, each of one line.
func checkProblems(t *testing.T, err error) {
	t.Helper()
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			fuzztest.OneLine(t, one, oaif.ErrUsage)
		}
		return
	}
	fuzztest.OneLine(t, err, oaif.ErrUsage)
}

func checkRun(t *testing.T, c *config.Config, path string) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Errorf("Load accepted what Validate does not: %v", err)
	}
	var text bytes.Buffer
	if err := c.Encode(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := config.Load(path, nil)
	if err != nil {
		t.Fatalf("what Encode wrote is not read: %v\n%s", err, text.Bytes())
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("written and read again:\n%s", diff)
	}
}
