package trainer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// TestStopSaysWhereItGoesOn: a stop writes no checkpoint, so a resumed run goes on from the last
// one.
func TestStopSaysWhereItGoesOn(t *testing.T) {
	path := workplace(t, pointwise)
	for _, c := range []struct {
		after  int // training steps of this process
		resume bool
		want   string
	}{
		{1, false, "stopped after step 1 of 4; " +
			"--resume starts at step 1 again: there is no checkpoint yet"},
		{3, true, "stopped after step 3 of 4; --resume goes on from step 2, the last checkpoint"},
		{0, true, "stopped after step 2 of 4; --resume goes on from step 2, the last checkpoint"},
	} {
		t.Run(c.want, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			w := &watcher{}
			w.hook = func() {
				if len(w.steps) >= c.after {
					stop()
				}
			}
			err := open(t, load(t, path, "train.checkpoint_every=2"), c.resume, w).Run(ctx)
			if !errors.Is(err, oaif.ErrInterrupted) || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
