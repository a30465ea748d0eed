package engine_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// load puts the tiny model on the device until the test ends, when no handle may be left.
func load(t *testing.T) *model.Model {
	t.Helper()
	file := modeltest.Open(t)
	dev := torchtest.Open(t, 1)
	m, err := model.Load(dev, file, torch.Float32, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Do(m.Close); err != nil {
			t.Error(err)
		}
	})
	return m
}

// start starts an engine for m until the test ends.
func start(t *testing.T, m *model.Model, slots, queue int) *engine.Engine {
	t.Helper()
	e, err := engine.New(m, engine.Options{Slots: slots, Length: modeltest.Context, Queue: queue,
		EOS: ends()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// ends are enough end tokens for some completions to end before they are cut.
func ends() []int32 {
	ids := []int32{modeltest.End}
	for id := int32('A'); id < 'A'+12; id++ {
		ids = append(ids, id)
	}
	return ids
}

// prompt returns a prompt of n tokens; those of equal i begin alike.
func prompt(i, n int) []int32 {
	ids := []int32{modeltest.Begin}
	for k := range n - 1 {
		ids = append(ids, int32('a'+(i+k)%26))
	}
	return ids
}

// plain asks for n tokens at temperature 1.
func plain(ids []int32, n int) engine.Request {
	return engine.Request{IDs: ids, MaxNew: n, Temperature: 1, TopP: 1, Seed: 7}
}

func submit(t *testing.T, e *engine.Engine, requests ...engine.Request) []*engine.Answer {
	t.Helper()
	answers, err := e.Submit(context.Background(), requests)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// all returns an answer's tokens and how it ended; an error fails the test.
func all(t *testing.T, a *engine.Answer) ([]engine.Token, oaif.Finish) {
	t.Helper()
	var tokens []engine.Token
	for token := range a.Tokens {
		tokens = append(tokens, token)
	}
	finish, err := a.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return tokens, finish
}

// checkTokens compares tokens with ids and log-probs.
func checkTokens(
	t *testing.T, what string, got []engine.Token, ids []int32, logprobs []float32,
) {
	t.Helper()
	if len(got) != len(ids) {
		t.Errorf("%s: %d tokens, want %d", what, len(got), len(ids))
		return
	}
	for i, token := range got {
		if token.ID != ids[i] || !near(token.Logprob, logprobs[i]) {
			t.Errorf("%s, token %d: %d with log-prob %g, want %d with %g", what, i, token.ID,
				token.Logprob, ids[i], logprobs[i])
		}
	}
}

func near(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }

// long asks for more tokens than a test waits for.
func long() engine.Request {
	r := plain(prompt(0, 4), 120)
	r.MinNew = 120
	return r
}

// fading is a context that ends when it was asked so many times. One goroutine asks.
type fading struct {
	context.Context
	left int
}

func (f *fading) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

// hold keeps m's device busy until release is called.
func hold(t *testing.T, m *model.Model) (release func()) {
	t.Helper()
	held, free, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- m.Device().Do(func() {
			close(held)
			<-free
		})
	}()
	<-held
	return func() {
		close(free)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// untilWaiting returns when n requests wait; that they never do ends the test.
func untilWaiting(t *testing.T, e *engine.Engine, n int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); e.Stats().Waiting != n; {
		if time.Now().After(end) {
			t.Fatalf("after a minute %d requests wait, want %d", e.Stats().Waiting, n)
		}
		time.Sleep(time.Millisecond)
	}
}
