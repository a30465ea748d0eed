package command

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/fuzztest"
)

// FuzzReply: a line of a program is refused, or it is a verdict that its probability bears out.
func FuzzReply(f *testing.F) {
	for _, line := range []string{
		`{"id":1,"verdict":"tie"}`, `{"id":-1,"p_a":0.25}`,
		`{"id":0,"score_a":-1e308,"score_b":1e308}`,
		`{"id":9,"invalid":"` + "\u2028" + `"}`, `{"id":1,"p_a":1,"p_a":null}`, `{"ID":1,"P_A":2}`,
		"{}", "null", "[", `"a"`, `{"id":1e3,"p_a":1}`, "{\"id\":1,\"verdict\":\"a\"}\r\n", "\xff",
	} {
		f.Add([]byte(line))
	}
	path := filepath.Join(f.TempDir(), "judge.toml")
	err := os.WriteFile(path, []byte("kind = \"command\"\ncommand = [\"x\"]\n"), 0o600)
	if err != nil {
		f.Fatal(err)
	}
	spec, err := annotator.Load(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var r reply
		var err error
		fuzztest.Memory(t, len(line), 256, func() { r, err = parseReply(line) })
		if err != nil {
			return
		}
		p := r.preference(spec)
		switch {
		case p.Verdict == oaif.VerdictInvalid:
			if p.Reason == "" || p.PA != 0 {
				t.Errorf("%q: %+v", line, p)
			}
		case !(p.PA >= 0 && p.PA <= 1) || math.IsInf(p.ScoreA, 0),
			spec.Verdict(p).Verdict != p.Verdict:
			t.Errorf("%q: %+v", line, p)
		}
	})
}
