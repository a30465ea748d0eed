package remote_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/remote"
)

// secret is the key that must be found nowhere but in the header.
const secret = "sk-planted-0123456789"

// endpoint answers requests with answer, and counts them.
type endpoint struct {
	*httptest.Server
	requests atomic.Int64
	mu       sync.Mutex
	seen     []map[string]any
}

func serve(
	t *testing.T, answer func(n int64, w http.ResponseWriter, body map[string]any),
) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := e.requests.Add(1)
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var body map[string]any
		if err := json.Unmarshal(text, &body); err != nil {
			t.Errorf("request %q: %v", text, err)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
			t.Errorf("authorization %q", got)
		}
		if strings.Contains(string(text), secret) {
			t.Error("the key is in a body")
		}
		e.mu.Lock()
		e.seen = append(e.seen, body)
		e.mu.Unlock()
		answer(n, w, body)
	}))
	t.Cleanup(e.Close)
	return e
}

// client dials the endpoint with a change to what its file says.
func client(
	t *testing.T, e *endpoint, cache *remote.Cache, change func(*annotator.Remote),
) *remote.Client {
	t.Helper()
	t.Setenv("PLANTED_KEY", secret)
	end := annotator.Remote{URL: e.URL + "/v1", Model: "m", KeyEnv: "PLANTED_KEY", Concurrency: 4,
		Timeout: 5 * time.Second, Retries: 2}
	if change != nil {
		change(&end)
	}
	c, err := remote.Dial(end, cache)
	if err != nil {
		t.Fatal(err)
	}
	c.Hurry()
	t.Cleanup(c.Close)
	return c
}

// say writes what the other side may no longer want.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// ranked is a chat's answer with these next tokens.
func ranked(w io.Writer, top map[string]float64) {
	var list []string
	for token, lp := range top {
		list = append(list, fmt.Sprintf(`{"token":%q,"logprob":%v}`, token, lp))
	}
	say(w, `{"choices":[{"message":{"content":"1"},"logprobs":{"content":[{"token":"1",`+
		`"top_logprobs":[%s]}]}}],"usage":{"prompt_tokens":10,"completion_tokens":1}}`,
		strings.Join(list, ","))
}

var question = []annotator.Prompt{{Text: "which?", System: "be fair", Chat: true}}

func ask(t *testing.T, c *remote.Client, exact bool, candidates ...string) annotator.Next {
	t.Helper()
	prompts := question
	if exact {
		prompts = []annotator.Prompt{{Text: "Sentiment:"}}
	}
	got, err := remote.NewLM(c, exact).NextLogprobs(context.Background(), prompts, candidates)
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func TestTopLogprobs(t *testing.T) {
	e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
		ranked(w, map[string]float64{"1": math.Log(.5), " 1": math.Log(.25), "2": -3, "The": -4})
	})
	got := ask(t, client(t, e, nil, nil), false, "1", "2")
	if math.Abs(got.Logprobs[0]-math.Log(.75)) > 1e-12 || got.Logprobs[1] != -3 || got.Bounded {
		t.Errorf("got %+v", got)
	}
	body := e.seen[0]
	messages := body["messages"].([]any)
	if body["model"] != "m" || body["max_tokens"] != 1.0 || body["top_logprobs"] != 20.0 ||
		len(messages) != 2 || messages[0].(map[string]any)["content"] != "be fair" {
		t.Errorf("request %v", body)
	}
}

// TestUnseenCandidate: the label that is not among the likeliest tokens is at most as likely as the
// last of them, and with neither label there is no verdict.
func TestUnseenCandidate(t *testing.T) {
	top := map[string]float64{"1": -.1, "The": -4, "A": -7}
	e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) { ranked(w, top) })
	c := client(t, e, nil, nil)
	if got := ask(t, c, false, "1", "2"); got.Logprobs[1] != -7 || !got.Bounded {
		t.Errorf("got %+v", got)
	}
	if got := ask(t, c, false, "3", "2"); got.Reason == "" || len(got.Logprobs) != 0 {
		t.Errorf("got %+v", got)
	}
	if n := e.requests.Load(); n != 2 {
		t.Errorf("%d requests: what the model says is not to be asked for again", n)
	}
}

// echoed is an answer whose tokens are those of the prompt, cut before its last word, and one more.
func echoed(w io.Writer, body map[string]any) {
	prompt := body["prompt"].(string)
	at := strings.LastIndex(prompt, " ")
	say(w, `{"choices":[{"logprobs":{"tokens":[%q,%q,"."],"token_logprobs":[null,%v,-1]}}],`+
		`"usage":{"prompt_tokens":3,"completion_tokens":1}}`,
		prompt[:at], prompt[at:], -float64(len(prompt)-at))
}

func TestEcho(t *testing.T) {
	e := serve(t, func(_ int64, w http.ResponseWriter, body map[string]any) { echoed(w, body) })
	got := ask(t, client(t, e, nil, nil), true, " positive", " bad")
	if got.Logprobs[0] != -9 || got.Logprobs[1] != -4 {
		t.Errorf("got %+v", got)
	}
	if e.requests.Load() != 2 || e.seen[0]["echo"] != true {
		t.Errorf("requests %v", e.seen)
	}
}

// TestFaults: whatever an endpoint does ends as another try, a reason or an error, never as
// log-probs that it did not give.
func TestFaults(t *testing.T) {
	good := func(w http.ResponseWriter) { ranked(w, map[string]float64{"1": -.1, "2": -3}) }
	status := func(code int, header ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			say(w, `{"error":{"message":"no, %s"}}`, secret)
		}
	}
	body := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { say(w, "%s", text) }
	}
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		say(w, `{"choices":`)
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		fault  func(http.ResponseWriter)
		always bool   // else only the first request fails
		reason string // part of it
		err    string // part of it
	}{
		"429":               {fault: status(429, "Retry-After-Ms", "1")},
		"500":               {fault: status(500)},
		"cut":               {fault: cut},
		"not JSON":          {fault: body("<html>")},
		"no choices":        {fault: body(`{"choices":[]}`)},
		"two choices":       {fault: body(`{"choices":[{},{}]}`)},
		"no logprobs":       {fault: body(`{"choices":[{"message":{"content":"1"}}]}`)},
		"always 500":        {fault: status(503), always: true, err: "status 503: no, [key]"},
		"always cut":        {fault: cut, always: true, err: "EOF"},
		"always not JSON":   {fault: body("<html>"), always: true, reason: "not JSON"},
		"always no choices": {fault: body(`{"choices":[]}`), always: true, reason: "0 choices"},
		"refused":           {fault: status(401), always: true, err: "status 401: no, [key]"},
		"moved": {fault: status(307, "Location", "http://127.0.0.1:1/"),
			err: "status 307"},
		"a log-prob is a word": {fault: body(
			`{"choices":[{"logprobs":{"content":[{` +
				`"top_logprobs":[{"token":"1","logprob":"x"}]}]}}]}`),
			always: true, reason: "cannot be read"},
		"a log-prob is missing": {fault: body(
			`{"choices":[{"logprobs":{"content":[{` +
				`"top_logprobs":[{"token":"1"}]}]}}]}`),
			always: true, reason: "not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(n int64, w http.ResponseWriter, _ map[string]any) {
				if n == 1 || c.always {
					c.fault(w)
					return
				}
				good(w)
			})
			got, err := remote.NewLM(client(t, e, nil, nil), false).NextLogprobs(
				context.Background(), question, []string{"1", "2"})
			switch {
			case c.err != "":
				if err == nil || !strings.Contains(err.Error(), c.err) ||
					strings.Contains(err.Error(), secret) {
					t.Errorf("error %v, wants %q", err, c.err)
				}
			case err != nil:
				t.Errorf("error %v", err)
			case c.reason != "":
				if !strings.Contains(got[0].Reason, c.reason) || got[0].Logprobs != nil {
					t.Errorf("got %+v, wants the reason %q", got[0], c.reason)
				}
			case got[0].Reason != "" || got[0].Logprobs[0] != -.1 || e.requests.Load() != 2:
				t.Errorf("got %+v after %d requests", got[0], e.requests.Load())
			}
		})
	}
}

func TestBudget(t *testing.T) {
	e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
		ranked(w, map[string]float64{"1": -.1, "2": -3})
	})
	c := client(t, e, nil, func(r *annotator.Remote) { r.MaxTokens = 25 })
	lm := remote.NewLM(c, false)
	var err error
	for range 5 {
		_, err = lm.NextLogprobs(context.Background(), question, []string{"1", "2"})
		if err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "max_tokens") {
		t.Errorf("error %v", err)
	}
	if used := c.Usage(); used.PromptTokens+used.CompletionTokens > 25 || used.Requests != 2 {
		t.Errorf("used %+v", used)
	}
}

// TestCache: a second run of the same questions sends nothing, nor does one that may not.
func TestCache(t *testing.T) {
	e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) {
		ranked(w, map[string]float64{"1": -.1, "2": -3})
	})
	path := filepath.Join(t.TempDir(), "cache.db")
	for _, sealed := range []bool{false, false, true} {
		cache, err := remote.OpenCache(path, sealed)
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, e, cache, nil)
		if got := ask(t, c, false, "1", "2"); got.Logprobs[1] != -3 {
			t.Errorf("got %+v", got)
		}
		if sealed {
			_, err := remote.NewLM(c, false).NextLogprobs(context.Background(),
				[]annotator.Prompt{{Text: "another", Chat: true}}, []string{"1", "2"})
			if err == nil || !strings.Contains(err.Error(), "not in the annotator's cache") {
				t.Errorf("error %v", err)
			}
		}
		if err := cache.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := e.requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}
