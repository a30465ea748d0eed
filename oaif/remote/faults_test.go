package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/remote"
	"github.com/oaif/oaif/oaif/remote/remotetest"
)

const pairwise = `
kind = "pairwise"
prompt = "{prompt}: {a} or {b}?"
[remote]
url = "%s/v1"
model = "m"
key_env = "PLANTED_KEY"
concurrency = 16
timeout = "150ms"
retries = %d
`

// spec loads an annotator at url that has so many retries.
func spec(t *testing.T, url string, retries int) *annotator.Spec {
	t.Helper()
	return remotetest.Spec(t, fmt.Sprintf(pairwise, url, retries))
}

func questions(n int) []oaif.Question {
	out := make([]oaif.Question, n)
	for i := range out {
		out[i] = oaif.Question{Fields: map[string]string{"prompt": "p"}, A: fmt.Sprint("a", i),
			B: fmt.Sprint("b", i)}
	}
	return out
}

// want is the verdict that the oracle gives on a question.
func want(t *testing.T, s *annotator.Spec, q oaif.Question) oaif.Verdict {
	t.Helper()
	two, err := s.Prompts(q)
	if err != nil {
		t.Fatal(err)
	}
	p := func(text string) float64 { return 1 / (1 + math.Exp(-1-remotetest.First(text))) }
	switch d := p(two[0].Text) - p(two[1].Text); {
	case d > 0:
		return oaif.VerdictA
	case d < 0:
		return oaif.VerdictB
	}
	return oaif.VerdictTie
}

// TestNoWrongLabel asks through a server that spoils a third of its answers in every way, with and
// without retries. A verdict is right, or it is invalid with its reason, or the whole call is an
// error; and the key is in nothing that was written or said.
func TestNoWrongLabel(t *testing.T) {
	t.Setenv("PLANTED_KEY", secret)
	for _, retries := range []int{0, 4} {
		t.Run(fmt.Sprint(retries, " retries"), func(t *testing.T) {
			injector := remotetest.New(remotetest.Oracle, func(n int64) remotetest.Fault {
				r := rand.New(rand.NewPCG(uint64(n), 7))
				if r.IntN(3) > 0 {
					return remotetest.None
				}
				return remotetest.Fault(1 + r.IntN(int(remotetest.Faults)-1))
			})
			server := httptest.NewServer(injector)
			defer server.Close()
			s := spec(t, server.URL, retries)
			folder := t.TempDir()
			llm, err := remote.Open(s, filepath.Join(folder, "answers"), false)
			if err != nil {
				t.Fatal(err)
			}
			llm.Hurry()
			judge, err := annotator.New(s, llm)
			if err != nil {
				t.Fatal(err)
			}
			right, invalid, failed := askAll(t, judge, s, folder)
			if err := llm.Close(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d right, %d invalid, %d failed", right, invalid, failed)
			for kind := range injector.Injected {
				if injector.Injected[kind].Load() == 0 {
					t.Errorf("fault %d never happened", kind)
				}
			}
			if right == 0 || retries == 0 && (invalid == 0 || failed == 0) {
				t.Error("not every end was seen")
			}
			if retries > 0 && right < (invalid+failed)*10 {
				t.Error("retries help little")
			}
			noKey(t, folder)
		})
	}
}

// ends counts how questions ended.
type ends struct {
	sync.Mutex
	right, invalid, failed int
	said                   strings.Builder // what was said of those that have no verdict
}

// askAll asks 600 questions, each in a call of its own, and fails the test at a wrong verdict.
func askAll(
	t *testing.T, judge oaif.Annotator, s *annotator.Spec, folder string,
) (right, invalid, failed int) {
	t.Helper()
	var e ends
	var group errgroup.Group
	group.SetLimit(16)
	for _, q := range questions(600) {
		wanted := want(t, s, q)
		group.Go(func() error {
			prefs, err := judge.Annotate(context.Background(), []oaif.Question{q})
			e.Lock()
			defer e.Unlock()
			switch {
			case errors.Is(err, oaif.ErrUnavailable):
				e.failed++
				fmt.Fprintf(&e.said, "%v %+v\n", err, judge)
			case err != nil:
				return err
			case prefs[0].Verdict == oaif.VerdictInvalid && prefs[0].Reason != "":
				e.invalid++
				fmt.Fprintf(&e.said, "%+v\n", prefs[0])
			case prefs[0].Verdict == wanted:
				e.right++
			default:
				return fmt.Errorf("%+v of %+v", prefs[0], q)
			}
			return nil
		})
	}
	err := group.Wait()
	said := filepath.Join(folder, "said")
	if err = errors.Join(err, os.WriteFile(said, []byte(e.said.String()), 0o600)); err != nil {
		t.Fatal(err)
	}
	return e.right, e.invalid, e.failed
}

// noKey looks for the key in all files of a folder.
func noKey(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("the key is in %s", filepath.Base(path))
		}
	}
}

// TestCacheReplays: 10,000 pairs give the same bytes again from the cache alone, with no endpoint.
func TestCacheReplays(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 requests")
	}
	t.Setenv("PLANTED_KEY", secret)
	server := httptest.NewServer(remotetest.Oracle)
	s := spec(t, server.URL, 0)
	s.Remote.Timeout = time.Minute
	path := filepath.Join(t.TempDir(), "answers")
	ask := func(sealed bool) []byte {
		llm, err := remote.Open(s, path, sealed)
		if err != nil {
			t.Fatal(err)
		}
		judge, err := annotator.New(s, llm)
		if err != nil {
			t.Fatal(err)
		}
		prefs, err := judge.Annotate(context.Background(), questions(10_000))
		if err = errors.Join(err, llm.Close()); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(prefs)
		if err != nil {
			t.Fatal(err)
		}
		if used := llm.Usage(); sealed != (used.Requests == 0) {
			t.Errorf("sealed %v: used %+v", sealed, used)
		}
		return text
	}
	asked := ask(false)
	server.Close()
	if string(ask(true)) != string(asked) {
		t.Error("the replayed verdicts differ")
	}
}
