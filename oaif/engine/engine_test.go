package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/sampler"
)

type noText struct{}

func (noText) Decode([]int32, bool) (string, error) { return "", nil }

// sampled draws what a request asks for with package sampler.
func sampled(t *testing.T, m *model.Model, r engine.Request) oaif.Completion {
	t.Helper()
	s := sampler.New(m, noText{}, sampler.Options{Temperature: r.Temperature, TopK: r.TopK,
		TopP: r.TopP, MinNewTokens: r.MinNew, MaxNewTokens: r.MaxNew, EOS: ends(), Seed: r.Seed})
	done, err := s.Generate(context.Background(), 0, []sampler.Request{
		{Prompt: &oaif.Prompt{Index: r.Index, IDs: r.IDs}, Response: r.Choice}})
	if err != nil {
		t.Fatal(err)
	}
	return done[0]
}

// mixed are requests of all kinds: of several settings, lengths, prompts that begin alike.
func mixed() (requests []engine.Request) {
	for i := range 24 {
		r := plain(prompt(i%3, 1+i*5%17), 1+i*7%13)
		r.Seed, r.Index, r.Choice = uint64(i%5), i%4, i%2
		switch i % 6 {
		case 1:
			r.Temperature = 0
		case 2:
			r.TopP = 0.5
		case 3:
			r.TopK, r.Temperature = 4, 2
		case 4:
			r.MinNew = r.MaxNew
		}
		requests = append(requests, r)
	}
	return requests
}

// Whatever runs beside it, a request draws what package sampler draws for it.
func TestDrawsAreTheSamplers(t *testing.T) {
	m := load(t)
	for _, slots := range []int{1, 3, 32} {
		e := start(t, m, slots, 64)
		ended := 0
		for i, a := range submit(t, e, mixed()...) {
			tokens, finish := all(t, a)
			want := sampled(t, m, mixed()[i])
			checkTokens(t, fmt.Sprintf("%d slots, request %d", slots, i), tokens, want.IDs,
				want.Logprobs)
			if finish != want.Finish {
				t.Errorf("%d slots, request %d ended by %q, want %q", slots, i, finish, want.Finish)
			}
			if finish == oaif.FinishEOS {
				ended++
			}
		}
		if ended == 0 {
			t.Error("no request ended by itself: the test tests less than it should")
		}
		s := e.Stats()
		if s.Drawn == 0 || s.Steps == 0 || s.Prefills == 0 || s.Failures != 0 || s.Waiting != 0 {
			t.Errorf("afterwards the engine says %+v", s)
		}
	}
}

// When a request's context ends, its slot is free for the next one.
func TestACancelledRequestFreesItsSlot(t *testing.T) {
	e := start(t, load(t), 1, 8)
	answers, err := e.Submit(&fading{context.Background(), 12}, []engine.Request{long(), long()})
	if err != nil {
		t.Fatal(err)
	}
	if _, finish := all(t, submit(t, e, plain(prompt(0, 4), 3))[0]); finish == "" {
		t.Error("the next request did not end")
	}
	third := submit(t, e, long())[0]
	<-third.Tokens
	third.Cancel()
	all(t, submit(t, e, plain(prompt(0, 4), 3))[0])
	drawn := 0
	for i, a := range answers {
		for range a.Tokens {
			drawn++
		}
		if _, err := a.Finish(); !errors.Is(err, context.Canceled) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if drawn == 0 || drawn > 12 {
		t.Errorf("%d tokens were drawn, want those of a few turns", drawn)
	}
}

// A request that finds the queue full is refused, and all of its choices with it.
func TestTheQueueIsBounded(t *testing.T) {
	m := load(t)
	e := start(t, m, 1, 3)
	release := hold(t, m)
	submit(t, e, long())
	untilWaiting(t, e, 0)
	try := func(n int) error {
		requests := make([]engine.Request, n)
		for i := range requests {
			requests[i] = plain(prompt(i, 4), 2)
		}
		_, err := e.Submit(context.Background(), requests)
		return err
	}
	for _, c := range []struct {
		n    int
		want error
	}{{4, engine.ErrFull}, {2, nil}, {2, engine.ErrFull}, {1, nil}, {1, engine.ErrFull}} {
		if err := try(c.n); !errors.Is(err, c.want) {
			t.Errorf("%d requests beside %d: %v, want %v", c.n, e.Stats().Waiting, err, c.want)
		}
	}
	release()
}

func TestCloseEndsWhatIsThere(t *testing.T) {
	m := load(t)
	e := start(t, m, 1, 8)
	release := hold(t, m)
	answers := submit(t, e, long(), long())
	untilWaiting(t, e, 1)
	ended := make(chan struct{})
	go func() {
		e.Close()
		e.Close()
		close(ended)
	}()
	for {
		if _, err := e.Submit(context.Background(), nil); errors.Is(err, engine.ErrClosed) {
			break
		}
	}
	release()
	<-ended
	for i, a := range answers {
		for range a.Tokens {
			continue
		}
		if _, err := a.Finish(); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("request %d: %v", i, err)
		}
	}
}

// What fails on the device ends with an error; what comes after it is answered.
func TestAFailureEndsWhatItMet(t *testing.T) {
	m := load(t)
	e := start(t, m, 2, 8)
	for _, n := range []int{1, 5} { // scored, and in a slot
		bad := plain([]int32{1 << 20}, n) // an id that no row of the embedding has
		a := e.SubmitUnchecked(context.Background(), bad)
		for range a.Tokens {
			t.Error("it drew a token")
		}
		if _, err := a.Finish(); err == nil {
			t.Errorf("%d tokens: no error", n)
		}
		good := plain(prompt(1, 5), n)
		tokens, _ := all(t, submit(t, e, good)[0])
		want := sampled(t, m, good)
		checkTokens(t, "after it", tokens, want.IDs, want.Logprobs)
	}
	if n := e.Stats().Failures; n != 2 {
		t.Errorf("%d failures were counted, want 2", n)
	}
}

func TestRequestsAreChecked(t *testing.T) {
	m := load(t)
	e := start(t, m, 1, 8)
	for name, change := range map[string]func(*engine.Request){
		"no tokens":      func(r *engine.Request) { r.IDs = nil },
		"less than none": func(r *engine.Request) { r.MaxNew = -1 },
		"too long":       func(r *engine.Request) { r.MaxNew = 125 },
		"temperature":    func(r *engine.Request) { r.Temperature = -1 },
		"top p":          func(r *engine.Request) { r.TopP = 0 },
		"a tiny top p":   func(r *engine.Request) { r.TopP = 1e-60 },
		"top k":          func(r *engine.Request) { r.TopK = -1 },
		"likeliest":      func(r *engine.Request) { r.Top = engine.MaxTop + 1 },
		"least":          func(r *engine.Request) { r.MinNew = 9 },
		"not in the voc": func(r *engine.Request) { r.IDs = []int32{300} },
	} {
		good, r := plain(prompt(0, 4), 8), plain(prompt(0, 4), 8)
		change(&r)
		_, err := e.Submit(context.Background(), []engine.Request{good, r})
		if !errors.Is(err, oaif.ErrData) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, opt := range []engine.Options{
		{Slots: 0, Length: 8, Queue: 1}, {Slots: 1, Length: 129, Queue: 1},
		{Slots: 1, Length: 8}, {Slots: 1, Length: 1, Queue: 1},
	} {
		if _, err := engine.New(m, opt); !errors.Is(err, oaif.ErrUsage) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	if s := e.Stats(); s.Prefills != 0 || s.Waiting != 0 {
		t.Errorf("refused requests were queued: %+v", s)
	}
}
