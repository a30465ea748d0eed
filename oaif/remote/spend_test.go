package remote_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/remote"
)

// serveAny answers whoever asks, and returns its address.
func serveAny(t *testing.T, answer func(w http.ResponseWriter)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestCeilings: what a request may use is set aside before it is sent, at the prices of both
// directions; and what was lost on the way is counted.
func TestCeilings(t *testing.T) {
	counted := `{"choices":[{"message":{"content":"1"}}],` +
		`"usage":{"prompt_tokens":5,"completion_tokens":100}}`
	for name, c := range map[string]struct {
		answer string
		change func(*annotator.Remote)
		most   int64 // requests
	}{
		"new tokens cost more": {counted, func(r *annotator.Remote) {
			r.PriceOut, r.MaxCost = 1e4, 2.5 // a request costs 1
		}, 2},
		"no counts": {`{"choices":[{"message":{"content":"1"}}],"usage":{}}`,
			func(r *annotator.Remote) { r.MaxTokens = 250 }, 2},
		"never JSON": {`<html>`, func(r *annotator.Remote) { r.MaxTokens = 250 }, 2},
		"cut":        {"", func(r *annotator.Remote) { r.MaxTokens = 250 }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
				if c.answer == "" {
					panic(http.ErrAbortHandler) // net/http's way to cut a connection
				}
				say(w, "%s", c.answer)
			})
			cl := client(t, e, nil, func(r *annotator.Remote) { r.Retries = 9; c.change(r) })
			var err error
			for n := 0; err == nil && n < 5; n++ {
				_, err = remote.NewLM(cl, false).Write(context.Background(), question, 100)
			}
			if !errors.Is(err, oaif.ErrUnavailable) ||
				!strings.Contains(err.Error(), "budget is used up") {
				t.Errorf("error %v", err)
			}
			if n := e.requests.Load(); n != c.most {
				t.Errorf("%d requests, wants %d", n, c.most)
			}
		})
	}
}

// TestCutTextIsNoAnswer: a text that did not end by itself may have gone on to say otherwise.
func TestCutTextIsNoAnswer(t *testing.T) {
	for finish, ok := range map[string]bool{
		`"stop"`: true, `null`: true, `"length"`: false, `"content_filter"`: false,
	} {
		for _, chat := range []bool{true, false} {
			e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
				say(w, `{"choices":[{"text":"1","message":{"content":"1"},"finish_reason":%s}]}`,
					finish)
			})
			said, err := remote.NewLM(client(t, e, nil, nil), false).Write(context.Background(),
				[]annotator.Prompt{{Text: "which?", Chat: chat}}, 16)
			if err != nil {
				t.Fatal(err)
			}
			if s := said[0]; ok != (s.Text == "1") || ok != (s.Reason == "") {
				t.Errorf("%s, chat %v: %+v", finish, chat, s)
			}
			if n := e.requests.Load(); n != 1 {
				t.Errorf("%s: %d requests", finish, n)
			}
		}
	}
}

// TestRefusedQuestion: a question that the endpoint does not take, as it is too long, is skipped;
// an endpoint that takes none is refused at the start.
func TestRefusedQuestion(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		e := serve(t, func(_ int64, w http.ResponseWriter, body map[string]any) {
			w.WriteHeader(status)
			say(w, `{"error":{"message":"too long"}}`)
		})
		c := client(t, e, nil, nil)
		got := ask(t, c, false, "1", "2")
		if !strings.Contains(got.Reason, "too long") || got.Logprobs != nil {
			t.Errorf("%d: %+v", status, got)
		}
		if n := e.requests.Load(); n != 1 {
			t.Errorf("%d: %d requests", status, n)
		}
		err := remote.NewLM(c, false).Probe(context.Background(), spec(t, e.URL, 0))
		if !errors.Is(err, oaif.ErrUsage) || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%d: probed: %v", status, err)
		}
	}
}

// TestStoppedWhileItFails: who is interrupted is told so, whatever the endpoint said last.
func TestStoppedWhileItFails(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	e := serve(t, func(int64, http.ResponseWriter, map[string]any) {})
	if err := client(t, e, nil, nil).AfterFailure(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestEchoThatCannotBe: counts that no answer has are a broken answer.
func TestEchoThatCannotBe(t *testing.T) {
	for _, made := range []int{-1, -9, 3, 99} {
		e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
			say(w, `{"choices":[{"logprobs":{"tokens":["Sentiment:"," good"],`+
				`"token_logprobs":[-1,-2]}}],"usage":{"completion_tokens":%d}}`, made)
		})
		got := ask(t, client(t, e, nil, nil), true, " good", " bad")
		if !strings.Contains(got.Reason, "2 tokens, of which") || got.Logprobs != nil {
			t.Errorf("%d: %+v", made, got)
		}
	}
}

// TestSameAnswerSameBits: a label that has several spellings gets the same sum of them every time.
func TestSameAnswerSameBits(t *testing.T) {
	e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
		say(w, `{"choices":[{"logprobs":{"top_logprobs":[{"1":-0.3,"2":-4.1," 1":-2.7,"\n1":-3.3,`+
			`"1 ":-5.9,"  1":-6.7,"1\n":-7.3," 1 ":-8.1,"\t1":-9.7}]}}]}`)
	})
	c := client(t, e, nil, nil)
	seen := map[float64]bool{}
	for range 200 {
		got, err := remote.NewLM(c, false).NextLogprobs(context.Background(),
			[]annotator.Prompt{{Text: "which?"}}, []string{"1", "2"})
		if err != nil {
			t.Fatal(err)
		}
		seen[got[0].Logprobs[0]] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d sums: %v", len(seen), seen)
	}
}
