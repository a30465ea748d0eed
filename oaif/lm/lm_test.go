package lm_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/lm"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

var _ annotator.TextLM = (*lm.LM)(nil)

// open loads the tiny model. At the test's end no handle may be left.
func open(t *testing.T) (*lm.LM, *model.Model) {
	t.Helper()
	file := modeltest.Open(t)
	v, err := vocab.Of(file, nil)
	if err != nil {
		t.Fatal(err)
	}
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
	return lm.New(m, v, "digest"), m
}

// TestNextLogprobs compares with the log-prob that scoring gives each candidate as a completion.
// The texts fill several batches.
func TestNextLogprobs(t *testing.T) {
	l, m := open(t)
	var texts []string
	for i := range 60 {
		texts = append(texts, strings.Repeat("ab", i+1)[:i+1]+strings.Repeat("x", 60))
	}
	got, err := l.NextLogprobs(context.Background(), texts, []string{"p", "n"})
	if err != nil || len(got) != len(texts) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i, text := range texts {
		prompt := []int32{modeltest.Begin}
		for _, b := range []byte(text) {
			prompt = append(prompt, int32(b))
		}
		for c, id := range []int32{'p', 'n'} {
			var want float64
			err := m.Device().Do(func() {
				want = m.Score([]model.Sequence{{Prompt: prompt, Completion: []int32{id}}})[0].Sum()
			})
			if err != nil || math.Abs(got[i][c]-want) > 1e-5 {
				t.Errorf("text %d candidate %d: %g, scoring gives %g, %v", i, c,
					got[i][c], want, err)
			}
		}
	}
}

func TestNextLogprobsErrors(t *testing.T) {
	l, _ := open(t)
	ctx := context.Background()
	_, err := l.NextLogprobs(ctx, []string{"a"}, []string{"p", "no"})
	if !errors.Is(err, oaif.ErrUsage) || !strings.Contains(err.Error(), `"no" has 2 tokens`) {
		t.Errorf("a candidate of two tokens gave %v", err)
	}
	_, err = l.NextLogprobs(ctx, []string{"a", strings.Repeat("a", modeltest.Context)},
		[]string{"p", "n"})
	if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), "context") {
		t.Errorf("a text longer than the context gave %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = l.NextLogprobs(cancelled, []string{"a"}, []string{"p", "n"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

func TestChatPrompt(t *testing.T) {
	l, _ := open(t)
	got, err := l.ChatPrompt("be fair", "which?")
	if want := "<system>be fair<|end|><user>which?<|end|><assistant>"; err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
	got, err = l.ChatPrompt("", "which?")
	if want := "<user>which?<|end|><assistant>"; err != nil || got != want {
		t.Errorf("without a system turn: %q, %v", got, err)
	}
}
