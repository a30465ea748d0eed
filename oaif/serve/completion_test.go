package serve_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/torch/torchtest"
)

// asked is a request that most tests change a little.
func asked() fields {
	return fields{"model": "tiny", "prompt": "once upon", "max_tokens": 20, "seed": 5}
}

// sampled draws with package sampler: n completions of asked's prompt.
func (s *site) sampled(n, newTokens int, seed uint64) []oaif.Completion {
	s.t.Helper()
	ids, err := s.vocab.EncodePrompt("once upon")
	if err != nil {
		s.t.Fatal(err)
	}
	smp := sampler.New(s.model, s.vocab, sampler.Options{Temperature: 1, TopP: 1,
		MaxNewTokens: newTokens, EOS: s.vocab.EOS, Seed: seed})
	var requests []sampler.Request
	for i := range n {
		requests = append(requests, sampler.Request{Prompt: &oaif.Prompt{IDs: ids}, Response: i})
	}
	done, err := smp.Generate(context.Background(), 0, requests)
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}

// Choices are what package sampler draws with the seed, in their order.
func TestChoicesAreTheSamplers(t *testing.T) {
	s := open(t, options(), 4, 32)
	for _, newTokens := range []int{1, 20} {
		a := s.post(completions, asked().with(fields{"n": 3, "max_tokens": newTokens}))
		want := s.sampled(3, newTokens, 5)
		if len(a.Choices) != 3 || a.Object != "text_completion" || a.Model != "tiny" {
			t.Fatalf("the answer is %+v", a)
		}
		drawn := 0
		for i, c := range a.Choices {
			if c.Text != want[i].Text || c.Index != i || c.Logprobs != nil ||
				*c.Finish != "length" {
				t.Errorf("choice %d is %+v, want %+v", i, c, want[i])
			}
			drawn += len(want[i].IDs)
		}
		const promptTokens = 10 // the begin token and nine letters
		if u := a.Usage; u.Prompt != promptTokens || u.Completion != drawn ||
			u.Total != promptTokens+drawn {
			t.Errorf("usage %+v, want %d and %d", u, promptTokens, drawn)
		}
	}
}

// A request without a seed draws anew each time.
func TestWithoutASeed(t *testing.T) {
	s := open(t, options(), 4, 32)
	body := asked()
	delete(body, "seed")
	if a, b := s.post(completions, body), s.post(completions, body); a.Choices[0].Text ==
		b.Choices[0].Text || a.ID == b.ID {
		t.Errorf("two requests drew the same: %+v, %+v", a, b)
	}
}

// Every prompt of a list has its choices; texts and ids mean the same.
func TestListsOfPrompts(t *testing.T) {
	s := open(t, options(), 4, 32)
	ids := []int{modeltest.Begin, 'a', 'b'}
	two := []string{"ab", "once upon"}
	texts := s.post(completions, asked().with(fields{"prompt": two, "n": 2}))
	lists := s.post(completions, asked().with(fields{"prompt": [][]int{ids, ids}, "n": 2}))
	one := s.post(completions, asked().with(fields{"prompt": ids, "n": 2}))
	if len(texts.Choices) != 4 || len(lists.Choices) != 4 || len(one.Choices) != 2 {
		t.Fatalf("%d, %d and %d choices", len(texts.Choices), len(lists.Choices),
			len(one.Choices))
	}
	for i := range 2 {
		if got := one.Choices[i].Text; got != texts.Choices[i].Text ||
			got != lists.Choices[i].Text {
			t.Errorf("choice %d: %q, %q, %q", i, got, texts.Choices[i].Text,
				lists.Choices[i].Text)
		}
	}
	if lists.Choices[2].Text == lists.Choices[0].Text {
		t.Error("two prompts of a list drew the same")
	}
}

// scored returns the log-probs of the ids behind the first one, by package model.
func (s *site) scored(ids []int32) (out []float32) {
	s.t.Helper()
	torchtest.Do(s.t, s.model.Device(), func() {
		out = s.model.Score([]model.Sequence{{Prompt: ids[:1], Completion: ids[1:]}})[0].Logprobs
	})
	return out
}

// With echo, the tokens of the prompt have the log-probs that package model gives them, and so have
// those that are drawn behind it.
func TestEchoScoresThePrompt(t *testing.T) {
	s := open(t, options(), 4, 32)
	prompt := "é <|end|>x"
	ids, err := s.vocab.EncodePrompt(prompt)
	if err != nil {
		t.Fatal(err)
	}
	for _, newTokens := range []int{0, 1, 12} {
		c := s.post(completions, asked().with(fields{"prompt": prompt, "echo": true, "logprobs": 2,
			"max_tokens": newTokens})).Choices[0]
		l := c.Logprobs
		if len(l.Tokens) != len(ids)+newTokens || len(l.Logprobs) != len(l.Tokens) ||
			len(l.Top) != len(l.Tokens) || len(l.Offsets) != len(l.Tokens) {
			t.Fatalf("%d new tokens: %+v", newTokens, l)
		}
		if l.Logprobs[0] != nil || l.Top[0] != nil || l.Tokens[0] != "<|begin|>" {
			t.Errorf("the first token is %q, %v", l.Tokens[0], l.Logprobs[0])
		}
		for i, want := range s.scored(ids) {
			if got := *l.Logprobs[i+1]; math.Abs(float64(got-want)) > 1e-5 {
				t.Errorf("%q: log-prob %g, want %g", l.Tokens[i+1], got, want)
			}
			if got := l.Top[i+1][l.Tokens[i+1]]; got != *l.Logprobs[i+1] ||
				len(l.Top[i+1]) < 2 || len(l.Top[i+1]) > 3 {
				t.Errorf("%q, %g, among %v", l.Tokens[i+1], *l.Logprobs[i+1], l.Top[i+1])
			}
		}
		wantTokens := []string{"<|begin|>", `bytes:\xc3`, `bytes:\xa9`, " ", "<|end|>", "x"}
		if !slices.Equal(l.Tokens[:6], wantTokens) ||
			!slices.Equal(l.Offsets[:6], []int{0, 0, 0, 1, 2, 9}) {
			t.Errorf("tokens %q at %v", l.Tokens[:6], l.Offsets[:6])
		}
		if !strings.HasPrefix(c.Text, prompt) || newTokens > 0 && l.Offsets[6] != 10 {
			t.Errorf("text %q, drawn from %v on", c.Text, l.Offsets[6:])
		}
	}
}

func TestEchoWithoutLogprobs(t *testing.T) {
	s := open(t, options(), 4, 32)
	plain := s.post(completions, asked()).Choices[0].Text
	if got := s.post(completions, asked().with(fields{"echo": true})).Choices[0].Text; got !=
		"once upon"+plain {
		t.Errorf("%q, without echo %q", got, plain)
	}
	if got := s.post(completions, asked().with(fields{"echo": true, "max_tokens": 0})); len(
		got.Choices) != 1 || got.Choices[0].Text != "once upon" || got.Usage.Completion != 0 {
		t.Errorf("nothing new: %+v", got)
	}
}

// A stop string ends a choice before it, whole or as a stream, whatever tokens it is made of.
func TestStopStrings(t *testing.T) {
	s := open(t, options(), 4, 32)
	body := asked().with(fields{"max_tokens": 60, "logprobs": 0})
	runes := []rune(s.post(completions, body).Choices[0].Text)
	for _, n := range []int{1, 2, 5} {
		stop := string(runes[20 : 20+n])
		want, _, _ := strings.Cut(string(runes), stop)
		body := body.with(fields{"stop": []string{"never comes", stop}})
		whole := s.post(completions, body)
		c := whole.Choices[0]
		if c.Text != want || *c.Finish != "stop" {
			t.Errorf("stop %q: %q, %s; want %q", stop, c.Text, *c.Finish, want)
		}
		for _, at := range c.Logprobs.Offsets {
			if at > utf8.RuneCountInString(want) {
				t.Errorf("stop %q: a token at %d of %q", stop, at, want)
			}
		}
		if whole.Usage.Completion < len(c.Logprobs.Tokens) {
			t.Errorf("stop %q: %d tokens, %d were drawn", stop, len(c.Logprobs.Tokens),
				whole.Usage.Completion)
		}
		sameStream(t, whole, s.stream(completions, body))
	}
}
