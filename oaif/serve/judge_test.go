package serve_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/judge"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/remote/remotetest"
)

const (
	pointwise = "kind = \"pointwise\"\nprompt = \"{prompt}{response}\"\n" +
		"positive = \"a\"\nnegative = \"b\"\n"
	pairwise = "kind = \"pairwise\"\nchat = true\nprompt = \"{prompt}{a}{b}\"\n"
)

// annotatorSpec loads an annotator; url "" is one on the device.
func annotatorSpec(t *testing.T, text, url string, retries int) *annotator.Spec {
	t.Helper()
	if url != "" {
		text += fmt.Sprintf("[remote]\nurl = \"%s/v1\"\nmodel = \"tiny\"\nconcurrency = 16\n"+
			"timeout = \"5s\"\nretries = %d\n", url, retries)
	}
	return remotetest.Spec(t, text)
}

func judgeQuestions(n int) []oaif.Question {
	out := make([]oaif.Question, n)
	for i := range out {
		out[i] = oaif.Question{Fields: map[string]string{"prompt": "p"}, A: fmt.Sprint("x", i),
			B: fmt.Sprint("y", i)}
	}
	return out
}

// locally returns what the same model says when it is asked on the device.
func (s *site) locally(text string, questions []oaif.Question) []oaif.Preference {
	s.t.Helper()
	local := annotator.Local(lm.New(s.model, s.vocab, "tiny"))
	a, err := annotator.New(annotatorSpec(s.t, text, "", 0), local)
	if err != nil {
		s.t.Fatal(err)
	}
	prefs, err := a.Annotate(context.Background(), questions)
	if err != nil {
		s.t.Fatal(err)
	}
	return prefs
}

// TestJudgeBesideTraining: an annotator that asks the server says what it says when it asks the
// model on the device; pointwise exactly, pairwise wherever both labels are among the likeliest
// tokens.
func TestJudgeBesideTraining(t *testing.T) {
	s := open(t, options(), 4, 256)
	questions := judgeQuestions(40)
	for _, text := range []string{pointwise, pairwise} {
		j, err := judge.New(context.Background(), annotatorSpec(t, text, s.url, 0), nil,
			judge.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := j.Annotate(context.Background(), questions)
		if err = errors.Join(err, j.Close()); err != nil {
			t.Fatal(err)
		}
		want, compared := s.locally(text, questions), 0
		for i, p := range got {
			bounded := len(p.Orders) == 2 && (p.Orders[0].Bounded || p.Orders[1].Bounded)
			if bounded || p.Verdict == oaif.VerdictInvalid && text == pairwise {
				continue
			}
			compared++
			if math.Abs(p.PA-want[i].PA) > 1e-4 {
				t.Errorf("%s: %+v, on the device %+v", text, p, want[i])
			}
		}
		if text == pointwise && compared != len(questions) {
			t.Errorf("%d compared", compared)
		}
	}
}

// TestJudgeThroughFaults puts every fault between the annotator and the server: a verdict is that
// of the model on the device, or invalid with a reason, or the call is an error.
func TestJudgeThroughFaults(t *testing.T) {
	s := open(t, options(), 4, 256)
	injector := remotetest.New(s.server, func(n int64) remotetest.Fault {
		r := rand.New(rand.NewPCG(uint64(n), 3))
		if n == 1 || n == 2 || r.IntN(4) > 0 { // what finds out whether it can be asked
			return remotetest.None
		}
		return remotetest.Fault(1 + r.IntN(int(remotetest.Faults)-1))
	})
	web := httptest.NewServer(injector)
	defer web.Close()
	questions := judgeQuestions(120)
	want := s.locally(pointwise, questions)
	j, err := judge.New(context.Background(), annotatorSpec(t, pointwise, web.URL, 0), nil,
		judge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	right, invalid, failed := 0, 0, 0
	for i, q := range questions {
		prefs, err := j.Annotate(context.Background(), []oaif.Question{q})
		switch {
		case errors.Is(err, oaif.ErrUnavailable):
			failed++
		case err != nil:
			t.Fatal(err)
		case prefs[0].Verdict == oaif.VerdictInvalid && prefs[0].Reason != "":
			invalid++
		case math.Abs(prefs[0].PA-want[i].PA) > 1e-4:
			t.Errorf("question %d: %+v, on the device %+v", i, prefs[0], want[i])
		default:
			right++
		}
	}
	if right == 0 || invalid == 0 || failed == 0 {
		t.Errorf("%d right, %d invalid, %d failed: not every end was seen", right, invalid, failed)
	}
}
