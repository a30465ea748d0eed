package trainer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// TestEvaluations: on how many prompts a run of 4 steps is evaluated, and when.
func TestEvaluations(t *testing.T) {
	for _, c := range []struct {
		sets []string
		want string // prompts at the start, in live evaluations and at the end
	}{
		{[]string{"eval.every=0"}, "[6 6]"},
		{[]string{"eval.every=1", "eval.live_prompts=2"}, "[6 2 2 2 6]"},
		{[]string{"eval.every=3", "eval.live_prompts=100"}, "[6 6 6]"},
		{[]string{"eval.every=2", "eval.live_prompts=0"}, "[6 6 6]"}, // 0 is all
		{[]string{"eval.every=2", "eval.live_prompts=0", "eval.prompts=4"}, "[4 4 4]"},
		{[]string{"eval.every=4", "eval.live_prompts=2", "eval.prompts=3"}, "[3 3]"},
		{[]string{"eval.every=5", "eval.prompts=7"}, "[6 6]"},
	} {
		out := train(t, workplace(t, pointwise), c.sets...)
		var got []int
		for _, m := range objects(t, filepath.Join(out, "metrics.jsonl")) {
			if m["eval"] != nil {
				file := fmt.Sprintf("eval/step-%v.jsonl", m["step"])
				got = append(got, len(objects(t, filepath.Join(out, file))))
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v: evaluated on %v prompts, want %v", c.sets, got, c.want)
		}
	}
}

// TestLostBaseline: a run whose starting model's answers are gone, cut off or changed is not
// resumed.
func TestLostBaseline(t *testing.T) {
	path := workplace(t, pointwise)
	file := filepath.Join(train(t, path), "eval", "step-0.jsonl")
	text := read(t, file)
	put := func(data []byte) func() error {
		return func() error { return os.WriteFile(file, data, 0o666) }
	}
	const changed = "has changed since the run began"
	for name, c := range map[string]struct {
		change func() error
		want   string
	}{
		"gone":        {func() error { return os.Remove(file) }, "cannot be read"},
		"a line less": {put(cutLine(text)), changed},
		"torn":        {put(text[:len(text)-9]), changed},
		"another":     {put(bytes.Replace(text, []byte(`"length"`), []byte(`"eos"`), 1)), changed},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.change(); err != nil {
				t.Fatal(err)
			}
			err := open(t, load(t, path), true, &watcher{}).Run(context.Background())
			if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), file) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// cutLine leaves out the last line.
func cutLine(text []byte) []byte {
	return text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1]
}
