package sampler_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/sampler"
)

var _ oaif.Sampler = (*sampler.Sampler)(nil)

// slots is how many completions the sampler decodes at once.
const slots = 64

// TestAloneOrTogether: what is drawn for a request does not depend on those beside it, on their
// order, or on having waited for a free slot.
func TestAloneOrTogether(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.EOS = ends()
	s := sampler.New(m, v, opt)
	reqs := requests(slots)
	if len(reqs) <= slots {
		t.Fatal("the requests fit into the slots")
	}
	together := generate(t, s, 3, reqs)
	slices.Reverse(reqs)
	reversed := generate(t, s, 3, reqs)
	slices.Reverse(reversed)
	slices.Reverse(reqs)
	for i, q := range reqs {
		alone := generate(t, s, 3, []sampler.Request{q})[0]
		for how, c := range map[string]oaif.Completion{
			"together": together[i], "reversed": reversed[i],
		} {
			if !slices.Equal(alone.IDs, c.IDs) || alone.Finish != c.Finish || alone.Text != c.Text {
				t.Errorf("request %d alone gives %v, %s %v", i, alone.IDs, how, c.IDs)
			}
		}
	}
}

// TestNoise: the seed, the step, the prompt and the response number each change what is drawn.
func TestNoise(t *testing.T) {
	m, v := open(t)
	s := sampler.New(m, v, options())
	base := generate(t, s, 1, requests(4))
	if again := generate(t, s, 1, requests(4)); !reflect.DeepEqual(again, base) {
		t.Error("the same again gives other completions")
	}
	opt := options()
	opt.Seed++
	differ := func(what string, a, b oaif.Completion) {
		if slices.Equal(a.IDs, b.IDs) {
			t.Errorf("%s: both %v", what, a.IDs)
		}
	}
	differ("another seed", base[0], generate(t, sampler.New(m, v, opt), 1, requests(4))[0])
	differ("another step", base[0], generate(t, s, 2, requests(4))[0])
	differ("another response", base[0], base[1])
	moved := requests(1)
	moved[0].Prompt.Index = 99
	differ("another prompt index", base[0], generate(t, s, 1, moved)[0])
}

// TestLogprobs compares the sampler's log-probs with those of scoring, at a temperature that is not
// 1 and with tokens left out: they are those of the model itself all the same.
func TestLogprobs(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.Temperature, opt.TopK, opt.TopP = .7, 200, .9
	reqs := requests(5)
	for i, c := range generate(t, sampler.New(m, v, opt), 1, reqs) {
		var want []float32
		seqs := []model.Sequence{{Prompt: reqs[i].Prompt.IDs, Completion: c.IDs}}
		if err := m.Device().Do(func() { want = m.Score(seqs)[0].Logprobs }); err != nil {
			t.Fatal(err)
		}
		for k := range want {
			if math.Abs(float64(c.Logprobs[k]-want[k])) > 1e-4 {
				t.Errorf("request %d token %d: log-prob %g, scoring gives %g", i, k,
					c.Logprobs[k], want[k])
			}
		}
		text, err := v.Decode(c.IDs, false)
		if err != nil || c.Text != text {
			t.Errorf("request %d: text %q, want %q, %v", i, c.Text, text, err)
		}
	}
}

// TestEndTokens: a completion goes up to its first end token and holds it, and no further than
// MaxNewTokens.
func TestEndTokens(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.EOS = ends()
	seen := map[oaif.Finish]int{}
	for i, c := range generate(t, sampler.New(m, v, opt), 1, requests(40)) {
		at := slices.IndexFunc(c.IDs, func(id int32) bool { return slices.Contains(opt.EOS, id) })
		want := oaif.FinishLength
		if at >= 0 {
			want = oaif.FinishEOS
		}
		if c.Finish != want || at >= 0 && at != len(c.IDs)-1 ||
			at < 0 && len(c.IDs) != opt.MaxNewTokens {
			t.Errorf("completion %d: %v, finish %q", i, c.IDs, c.Finish)
		}
		if len(c.Logprobs) != len(c.IDs) {
			t.Errorf("completion %d: %d log-probs for %d ids", i, len(c.Logprobs), len(c.IDs))
		}
		seen[c.Finish]++
	}
	if seen[oaif.FinishEOS] < 10 || seen[oaif.FinishLength] < 10 {
		t.Errorf("too few of one kind to tell: %v", seen)
	}
}

// TestEndTokenHasNoText: the id that ended a completion is kept, its text is not.
func TestEndTokenHasNoText(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.Temperature, opt.MaxNewTokens = 30, 100 // nearly even over the 258 tokens
	for _, c := range generate(t, sampler.New(m, v, opt), 1, requests(20)) {
		if c.Finish == oaif.FinishEOS {
			if c.IDs[len(c.IDs)-1] != modeltest.End || strings.Contains(c.Text, "<|end|>") {
				t.Errorf("ids %v, text %q", c.IDs, c.Text)
			}
			return
		}
	}
	t.Error("no completion ended by itself")
}

// TestMinNewTokens: an end token comes after at least MinNewTokens others.
func TestMinNewTokens(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.EOS, opt.MinNewTokens = ends(), 5
	shortest := opt.MaxNewTokens
	for i, c := range generate(t, sampler.New(m, v, opt), 1, requests(40)) {
		isEnd := func(id int32) bool { return slices.Contains(opt.EOS, id) }
		if slices.ContainsFunc(c.IDs[:5], isEnd) {
			t.Errorf("completion %d has an end token too early: %v", i, c.IDs)
		}
		shortest = min(shortest, len(c.IDs))
	}
	if shortest != 6 {
		t.Errorf("the shortest completion has %d tokens, want 5 and an end token", shortest)
	}
}

// TestGreedy: temperature 0 draws each most likely token, whatever the noise.
func TestGreedy(t *testing.T) {
	m, v := open(t)
	opt := options()
	opt.Temperature = 0
	s := sampler.New(m, v, opt)
	first := generate(t, s, 1, requests(3))
	if again := generate(t, s, 2, requests(3)); !reflect.DeepEqual(again, first) {
		t.Error("another step gives other greedy completions")
	}
	all := make([]int32, modeltest.Config().Vocab)
	for i := range all {
		all[i] = int32(i)
	}
	text := slices.Clone(requests(3)[4].Prompt.IDs)
	for k, id := range first[4].IDs {
		var next []float64
		err := m.Device().Do(func() { next = m.NextLogprobs([][]int32{text}, all)[0] })
		if err != nil {
			t.Fatal(err)
		}
		if best := slices.Max(next); next[id] < best-1e-4 {
			t.Errorf("token %d is %d with log-prob %g, the best has %g", k, id, next[id], best)
		}
		text = append(text, id)
	}
}

func TestErrors(t *testing.T) {
	m, v := open(t)
	s := sampler.New(m, v, options())
	const room = modeltest.Context - 8
	for _, c := range []struct {
		prompt *oaif.Prompt
		want   string
	}{
		{prompt(0, room+1),
			"prompt 1: 121 tokens and 8 new ones exceed the model's context of 128"},
		{prompt(1, modeltest.Context+1), "prompt 2: 129 tokens exceed the model's context of 128"},
		{&oaif.Prompt{Index: 2}, "prompt 3: no tokens"},
		{&oaif.Prompt{Index: 3, IDs: []int32{258}},
			"prompt 4: token id 258 is outside the vocabulary of 258"},
		{&oaif.Prompt{Index: 4, IDs: []int32{-1}},
			"prompt 5: token id -1 is outside the vocabulary of 258"},
	} {
		_, err := s.Sample(context.Background(), 1, []*oaif.Prompt{prompt(9, 2), c.prompt}, nil)
		if !errors.Is(err, oaif.ErrData) || err.Error() != c.want {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	// The longest prompt that is accepted is really sampled.
	longest := generate(t, s, 1, []sampler.Request{{Prompt: prompt(0, room)}})
	if len(longest[0].IDs) == 0 {
		t.Error("the longest prompt has an empty completion")
	}
	if none := generate(t, s, 1, nil); len(none) != 0 {
		t.Errorf("no requests gave %v", none)
	}
}

// countdown is a context that is cancelled after it was asked a few times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancel: sampling stops between two units of work, and the sampler can be used again.
func TestCancel(t *testing.T) {
	m, v := open(t)
	s := sampler.New(m, v, options())
	for _, turns := range []int{0, 1, 4} {
		ctx := &countdown{context.Background(), turns}
		done, err := s.Generate(ctx, 1, requests(3))
		if !errors.Is(err, context.Canceled) || done != nil {
			t.Errorf("cancelled after %d turns: %v, %v", turns, done, err)
		}
	}
	generate(t, s, 1, requests(3))
}
