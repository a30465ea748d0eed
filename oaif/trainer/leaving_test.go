package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/trainer"
)

// favourite is a program that prefers a, and writes nonsense after so many replies.
const favourite = `
n=0
while read -r line; do
  n=$((n + 1))
  id=${line#*:}
  id=${id%%%%,*}
  if [ $n -gt %d ]; then echo nonsense; else echo "{\"id\":$id,\"verdict\":\"a\"}"; fi
done
`

// TestCommandGone: a run whose program fails keeps what it has learned, and goes on with one that
// does not, which it says.
func TestCommandGone(t *testing.T) {
	path := workplace(t, "")
	at := func(name string) string { return filepath.Join(filepath.Dir(path), name) }
	write(t, at("judge.toml"), fmt.Sprintf("kind = \"command\"\ncommand = [\"sh\", %q]\n",
		at("judge.sh")))
	write(t, at("judge.sh"), fmt.Sprintf(favourite, 9))
	cfg := load(t, path, "train.checkpoint_every=0")
	t.Run("stops", func(t *testing.T) {
		err := open(t, cfg, false, &watcher{}).Run(context.Background())
		if !errors.Is(err, oaif.ErrUnavailable) || !strings.Contains(err.Error(),
			"; --resume goes on from step 2, the last checkpoint") {
			t.Errorf("ended with %v", err)
		}
	})
	write(t, at("judge.sh"), fmt.Sprintf(favourite, 1000))
	t.Run("goes on", func(t *testing.T) {
		w := &watcher{}
		if err := open(t, cfg, true, w).Run(context.Background()); err != nil {
			t.Error(err)
		}
		if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "program has changed") {
			t.Errorf("warned of %q", w.warnings)
		}
	})
}

// TestResumeWithAnotherCache: a run that its cache cannot go on with goes on with the endpoint.
func TestResumeWithAnotherCache(t *testing.T) {
	o := newOracle(t)
	path := workplace(t, o.spec())
	cache := "annotator.cache=" + filepath.Join(t.TempDir(), "answers")
	train(t, path, cache, "train.steps=1", "run.out="+filepath.Join(t.TempDir(), "run"))
	t.Run("stops", func(t *testing.T) {
		err := open(t, load(t, path, cache, "annotator.cache_only=true"), false,
			&watcher{}).Run(context.Background())
		if !errors.Is(err, oaif.ErrUnavailable) {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("goes on", func(t *testing.T) {
		err := open(t, load(t, path), true, &watcher{}).Run(context.Background())
		if err != nil {
			t.Error(err)
		}
	})
}

// TestInterruptedAtTheStart: who interrupts a run does not wait for an endpoint that is silent.
func TestInterruptedAtTheStart(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stop()
		_, _ = io.Copy(io.Discard, r.Body) // until then nobody sees that the client has gone
		<-r.Context().Done()
	}))
	defer silent.Close()
	path := workplace(t, strings.Replace(remotePairwise, "URL", silent.URL, 1))
	if _, err := trainer.New(ctx, load(t, path), false, &watcher{}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("error %v", err)
	}
}
