package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/remote/remotetest"
)

const remotePairwise = `
kind = "pairwise"
prompt = "{prompt}[{a}][{b}]"
[remote]
url = "URL/v1"
model = "judge"
retries = 0
`

// oracle is a remotetest.Oracle that refuses requests beyond most.
type oracle struct {
	*httptest.Server
	asked, most atomic.Int64
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	o := &oracle{}
	o.most.Store(1 << 40)
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.asked.Add(1) > o.most.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		remotetest.Oracle(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *oracle) spec() string { return strings.Replace(remotePairwise, "URL", o.URL, 1) }

// TestRemoteFromCache: a run that is given another's answers asks nothing and ends the same.
func TestRemoteFromCache(t *testing.T) {
	o := newOracle(t)
	path := workplace(t, o.spec())
	cache := "annotator.cache=" + filepath.Join(t.TempDir(), "answers")
	first := train(t, path, cache)
	asked := o.asked.Load()
	if asked < 20 {
		t.Fatalf("the endpoint was asked %d times", asked)
	}
	o.most.Store(0)
	second := train(t, path, cache, "annotator.cache_only=true",
		"run.out="+filepath.Join(t.TempDir(), "run"))
	sameResults(t, second, first, 4)
	if n := o.asked.Load(); n != asked {
		t.Errorf("%d requests more", n-asked)
	}
}

// TestRemoteGone: a run whose endpoint fails at any time stops with what it has, and goes on to the
// same end when the endpoint is there again.
func TestRemoteGone(t *testing.T) {
	o := newOracle(t)
	path := workplace(t, o.spec())
	whole := train(t, path, "train.checkpoint_every=3")
	all := o.asked.Load()
	for most := int64(1); most < all; most += 5 {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			cfg := load(t, path, "train.checkpoint_every=3", "run.out="+out)
			o.asked.Store(0)
			o.most.Store(most)
			var stopped error
			t.Run("stops", func(t *testing.T) {
				stopped = open(t, cfg, false, &watcher{}).Run(context.Background())
			})
			if !errors.Is(stopped, oaif.ErrUnavailable) ||
				!strings.Contains(stopped.Error(), "status 503; stopped after step ") {
				t.Fatalf("ended with %v", stopped)
			}
			o.most.Store(1 << 40)
			t.Run("goes on", func(t *testing.T) {
				if err := open(t, cfg, true, &watcher{}).Run(context.Background()); err != nil {
					t.Fatal(err)
				}
			})
			sameResults(t, out, whole, 4)
		})
	}
}

// TestRemoteBudget: the ceiling ends a run before it is passed, and what was trained is kept.
func TestRemoteBudget(t *testing.T) {
	o := newOracle(t)
	path := workplace(t, o.spec()+"max_tokens = 100\n")
	cfg := load(t, path, "train.checkpoint_every=0")
	err := open(t, cfg, false, &watcher{}).Run(context.Background())
	if !errors.Is(err, oaif.ErrUnavailable) ||
		!strings.Contains(err.Error(), "remote.max_tokens = 100; stopped after step 1 of 4; "+
			"--resume goes on from step 1, the last checkpoint") {
		t.Errorf("ended with %v", err)
	}
	if asked := o.asked.Load(); asked*9 > 100 {
		t.Errorf("%d requests of 9 tokens", asked)
	}
}
