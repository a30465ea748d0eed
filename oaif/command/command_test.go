package command_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/command"
)

// load loads a Spec that must be good.
func load(t *testing.T, text string) *annotator.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "judge.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	spec, err := annotator.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// open returns an annotator that asks this program's judge, until the test ends.
func open(t *testing.T, more string) *command.Annotator {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a, err := command.New(load(t,
		fmt.Sprintf("kind = \"command\"\ncommand = [%q, \"judge\"]\n%s", exe, more)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() }) // what it says is looked at where it matters
	return a
}

func questions(a ...string) []oaif.Question {
	out := make([]oaif.Question, len(a))
	for i, text := range a {
		out[i] = oaif.Question{Fields: map[string]string{"prompt": "Q"}, A: text, B: "b"}
	}
	return out
}

func TestReplies(t *testing.T) {
	a := open(t, "tie_margin = 0.1")
	got, err := a.Annotate(context.Background(), questions(
		`{"id":ID,"verdict":"a"}`, `{"id":ID,"verdict":"b"}`, `{"verdict":"tie","id":ID}`,
		"b", // identical: not asked
		`{"id":ID,"p_a":0.75}`, `{"id":ID,"p_a":0.45}`, `{"id":ID,"p_a":0}`,
		`{"id":ID,"score_a":2,"score_b":-1}`, `{"id":ID,"score_a":0.1,"score_b":0.2}`,
		`{"id":ID,"invalid":"no <idea>"}`, `{"id":ID,"invalid":""}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []oaif.Preference{
		{Verdict: "a", PA: 1}, {Verdict: "b"}, {Verdict: "tie", PA: .5}, annotator.Identical(),
		{Verdict: "a", PA: .75}, {Verdict: "tie", PA: .45}, {Verdict: "b"},
		{Verdict: "a", PA: .952574, ScoreA: 2, ScoreB: -1},
		{Verdict: "tie", PA: .475021, ScoreA: .1, ScoreB: .2},
		{Verdict: "invalid", Reason: "no <idea>"},
		{Verdict: "invalid", Reason: "the command gives no reason"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-5)); diff != "" {
		t.Error(diff)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := a.Annotate(context.Background(), questions("x")); err == nil {
		t.Error("a closed annotator was asked")
	}
}

// TestAnyOrder: the second question is replied to first.
func TestAnyOrder(t *testing.T) {
	const both = `{"id":2,"verdict":"b"}` + "\n" + `{"id":1,"verdict":"a"}`
	got, err := open(t, "").Annotate(context.Background(), questions("!nothing:", both))
	if err != nil || got[0].Verdict != oaif.VerdictA || got[1].Verdict != oaif.VerdictB {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestWhatIsNoReply: each is an error that says what was written, never a verdict; and it stands.
func TestWhatIsNoReply(t *testing.T) {
	for _, c := range []struct{ reply, want string }{
		{"Loading the model", `wrote "Loading the model\n", which is no reply: invalid character`},
		{`{"id":ID,"verdict":"c"}`, `verdict is "c"; it must be "a", "b" or "tie"`},
		{`{"id":ID,"verdict":"invalid"}`, `verdict is "invalid"`},
		{`{"id":ID,"p_a":1.5}`, "p_a is 1.5; it must be in [0,1]"},
		{`{"id":ID,"p_a":NaN}`, "invalid character 'N'"},
		{`{"id":ID,"p_a":1e999}`, "which is no reply"},
		{`{"id":ID,"p_a":"0.5"}`, "which is no reply"},
		{`{"id":ID,"score_a":1}`, "it must have exactly one of"},
		{`{"id":ID,"score_b":1}`, "it must have exactly one of"},
		{`{"id":ID}`, "it must have exactly one of"},
		{`{"id":ID,"verdict":"a","p_a":0.1}`, "it must have exactly one of"},
		{`{"verdict":"a"}`, "it has no id"},
		{`null`, "it has no id"},
		{`["a"]`, "which is no reply"},
		{`{"id":ID,"verdict":"a"} {"id":2}`, "more than one value in the line"},
		{`{"id":ID,"veridct":"a"}`, `unknown field "veridct"`},
		{`{"id":7,"verdict":"a"}`, "replied to question 7, which was not asked"},
		{`{"id":-1,"verdict":"a"}`, "replied to question -1, which was not asked"},
		{`{"id":ID,"verdict":"a"}` + "\n" + `{"id":ID,"verdict":"a"}`,
			"replied twice to question 1"},
		{strings.Repeat("x", 1<<17), "wrote a line of more than 65536 bytes"},
		{" ", "which is no reply: EOF"},
	} {
		// The second question keeps the call waiting until all of the first's lines are read.
		a := open(t, "")
		for range 2 {
			_, err := a.Annotate(context.Background(), questions(c.reply, "!nothing:"))
			var e *command.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), "judge.toml: the command ") ||
				strings.Contains(err.Error(), "\n") || len(err.Error()) > 2000 {
				t.Errorf("%.40q:\n got %v\nwant %s", c.reply, err, c.want)
			}
		}
	}
}

// TestReplyWhenNobodyAsks: a second reply to a call that is over is found by the next, or at the
// end.
func TestReplyWhenNobodyAsks(t *testing.T) {
	a := open(t, "")
	const twice = `{"id":ID,"verdict":"a"}` + "\n" + `{"id":ID,"verdict":"b"}`
	got, err := a.Annotate(context.Background(), questions(twice))
	if err == nil && got[0].Verdict != oaif.VerdictA {
		t.Fatalf("%+v", got)
	}
	if err := a.Close(); err == nil || !strings.Contains(err.Error(), "replied twice") {
		t.Errorf("closed with %v", err)
	}
}

// TestMuchOfEverything: long questions, long replies and much noise at once block nobody.
func TestMuchOfEverything(t *testing.T) {
	a := open(t, "")
	qs := questions("!noise:")
	for range 200 {
		q := questions("!long:")[0]
		q.B = strings.Repeat("é", 15000)
		qs = append(qs, q)
	}
	got, err := a.Annotate(context.Background(), qs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got[1:] {
		if got[i+1].Reason != qs[i+1].B {
			t.Fatalf("reply %d is %.40q", i+1, got[i+1].Reason)
		}
	}
}

// TestCallsAtOnce share a process, and get the replies to their own questions.
func TestCallsAtOnce(t *testing.T) {
	a := open(t, "")
	var wait sync.WaitGroup
	for caller := range 8 {
		wait.Go(func() {
			for n := range 10 {
				long := "!length:" + strings.Repeat("x", 10*caller+n+2)
				got, err := a.Annotate(context.Background(), questions(long, "b", long))
				if err != nil || got[0].ScoreA != float64(10*caller+n+2) ||
					!cmp.Equal(got[2], got[0]) {
					t.Errorf("caller %d, call %d: %+v, %v", caller, n, got, err)
				}
			}
		})
	}
	wait.Wait()
}

func TestEnvironmentPasses(t *testing.T) {
	t.Setenv("OAIF_TEST_WORD", "here")
	got, err := open(t, "").Annotate(context.Background(), questions("!env:OAIF_TEST_WORD"))
	if err != nil || got[0].Reason != "here" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := command.New(load(t, "kind = \"command\"\ncommand = [\"no-such-program\"]"))
	if !errors.Is(err, oaif.ErrUsage) ||
		!strings.Contains(err.Error(), `command cannot be started: exec: "no-such-program"`) {
		t.Errorf("a program that is not there: %v", err)
	}
	if _, err := command.New(load(t, "kind = \"lexicon\"")); !errors.Is(err, oaif.ErrUsage) {
		t.Errorf("a lexicon: %v", err)
	}
}

// TestDigest: another argument and another content of a file that is one are another program.
func TestDigest(t *testing.T) {
	script := filepath.Join(t.TempDir(), "judge.sh")
	digest := func(content, more string) string {
		t.Helper()
		if err := os.WriteFile(script, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		a, err := command.New(load(t,
			fmt.Sprintf("kind = \"command\"\ncommand = [\"sh\", %q%s]", script, more)))
		if err != nil {
			t.Fatal(err)
		}
		return a.Digest()
	}
	first := digest("exit 1", "")
	if digest("exit 1", "") != first {
		t.Error("the same program has two digests")
	}
	if digest("exit 2", "") == first || digest("exit 1", `, "--fast"`) == first {
		t.Error("another program has the same digest")
	}
}
