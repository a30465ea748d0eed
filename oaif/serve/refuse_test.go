package serve_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// refused is what the body of a refusal says.
func refused(t *testing.T, body []byte) (message, param string) {
	t.Helper()
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Error == nil || a.Error.Message == "" ||
		a.Error.Type == "" {
		t.Fatalf("%s is no error of the API: %v", body, err)
	}
	if a.Error.Param != nil {
		param = *a.Error.Param
	}
	return a.Error.Message, param
}

// What cannot be answered is refused by the name of the field.
func TestBadRequests(t *testing.T) {
	s := open(t, options(), 2, 8)
	one := []fields{{"role": "user", "content": "hi"}}
	for _, c := range []struct {
		path         string
		change       fields
		param, words string
	}{
		{completions, fields{"temperature": -1}, "temperature", "wants 0 or a number"},
		{completions, fields{"temperature": "hot"}, "temperature", "number, got one of type str"},
		{completions, fields{"top_p": 1.1}, "top_p", "[0,1]"},
		{completions, fields{"top_k": -2}, "top_k", "-2"},
		{completions, fields{"n": 0}, "n", "[1,128]"},
		{completions, fields{"n": 9}, "n", "queues 8"},
		{completions, fields{"max_tokens": -1}, "max_tokens", "at least 0"},
		{completions, fields{"max_tokens": 0}, "max_tokens", "without echo"},
		{completions, fields{"max_tokens": 1000}, "", "exceed the 128 tokens"},
		{completions, fields{"max_tokens": 1.5}, "max_tokens", "integer"},
		{completions, fields{"min_tokens": 21}, "min_tokens", "at most max_tokens"},
		{completions, fields{"logprobs": 21}, "logprobs", "[0,20]"},
		{completions, fields{"logprobs": true}, "logprobs", "bool"},
		{completions, fields{"stop": ""}, "stop", "1 to 256 bytes"},
		{completions, fields{"stop": 7}, "stop", ""},
		{completions, fields{"stop": strings.Split("abcdefghijklmnopq", "")}, "stop", "at most 16"},
		{completions, fields{"prompt": nil}, "prompt", "missing"},
		{completions, fields{"prompt": 3}, "prompt", "a text or a list"},
		{completions, fields{"prompt": []int{}}, "prompt", "empty"},
		{completions, fields{"prompt": []int{258}}, "prompt", "outside the vocabulary of 258"},
		{completions, fields{"prompt": []int{-1}}, "prompt", "outside the vocabulary"},
		{completions, fields{"prompt": []any{97, nil, 98}}, "prompt", "a text or a list"},
		{completions, fields{"prompt": []any{"a", nil}}, "prompt[1]", "a text or a list"},
		{completions, fields{"prompt": []any{"a", 3}}, "prompt[1]", "a text or a list"},
		{completions, fields{"prompt": strings.Split("123456789", "")}, "prompt", "queues 8"},
		{completions, fields{"stream_options": fields{}}, "stream_options", "streams only"},
		{completions, fields{"presence_penalty": 1}, "presence_penalty", "not supported"},
		{completions, fields{"logit_bias": fields{"5": 1}}, "logit_bias", `{"5":1}`},
		{completions, fields{"tempertature": 1}, "tempertature", "not known"},
		{completions, fields{"Prompt": "x"}, "Prompt", "not known"},
		{completions, fields{"\u017ftop": "x"}, "\u017ftop", "not known"},
		{chat, fields{"messages": nil}, "messages", "at least one"},
		{chat, fields{"messages": "hi"}, "messages", "list"},
		{chat, fields{"messages": []string{"hi"}}, "messages[0]", "object"},
		{chat, fields{"messages": []fields{{"role": "user"}}}, "messages[0].content", "missing"},
		{chat, fields{"messages": []fields{{"content": "x"}}}, "messages[0].role", "missing"},
		{chat, fields{"messages": []fields{{"role": "user", "content": 3}}}, "messages[0].content",
			"a text or a list of parts"},
		{chat, fields{"messages": []fields{{"role": "user", "content": []fields{
			{"type": "image_url", "image_url": "x"}}}}}, "messages[0].content[0].image_url", ""},
		{chat, fields{"messages": []fields{{"role": "user", "content": []fields{
			{"type": "image"}}}}}, "messages[0].content[0].type", `"text"`},
		{chat, fields{"messages": one, "top_logprobs": 2}, "top_logprobs", "with logprobs only"},
		{chat, fields{"messages": one, "logprobs": true, "top_logprobs": 21}, "top_logprobs", "20"},
		{chat, fields{"messages": one, "logprobs": 3}, "logprobs", "boolean"},
		{chat, fields{"messages": one, "max_tokens": 0}, "max_tokens", "at least 1"},
		{chat, fields{"messages": one, "max_completion_tokens": 5}, "max_tokens", "another one"},
		{chat, fields{"messages": one, "tools": []fields{{"type": "function"}}}, "tools",
			"not supported"},
		{chat, fields{"messages": one, "echo": true}, "echo", "not known"},
	} {
		body := asked()
		if c.path == chat {
			delete(body, "prompt")
		}
		status, _, got := s.send(s.request(context.Background(), http.MethodPost, c.path,
			body.with(c.change).json(t)))
		message, param := refused(t, got)
		if status != http.StatusBadRequest || param != c.param ||
			!strings.Contains(message, c.words) {
			t.Errorf("%v: status %d, %q: %q", c.change, status, param, message)
		}
	}
	if n := s.engine.Stats().Prefills; n != 0 {
		t.Errorf("refused requests cost %d prefills", n)
	}
}

// What is too long has a code that clients look for, however long it is.
func TestTooLong(t *testing.T) {
	s := open(t, options(), 2, 8)
	for _, most := range []int{128, 1 << 31, math.MaxInt} {
		var a answer
		_, _, got := s.post1(asked().with(fields{"max_tokens": most}))
		if err := json.Unmarshal(got, &a); err != nil || a.Error == nil || a.Error.Code == nil ||
			*a.Error.Code != "context_length_exceeded" {
			t.Errorf("max_tokens %d: %s", most, got)
		}
	}
}

// What is no request of the API has a status of its own.
func TestStatuses(t *testing.T) {
	s := open(t, options(), 2, 8)
	long := `{"prompt": "` + strings.Repeat("x", 1<<16) + `"}`
	for _, c := range []struct {
		method, path, body, kind string
		status                   int
	}{
		{"POST", completions, `{`, "application/json", http.StatusBadRequest},
		{"POST", completions, ``, "application/json", http.StatusBadRequest},
		{"POST", completions, `null`, "application/json", http.StatusBadRequest},
		{"POST", completions, `[1]`, "application/json", http.StatusBadRequest},
		{"POST", completions, `{"prompt": "x", "model": "other"}`, "application/json",
			http.StatusNotFound},
		{"POST", completions, `{"prompt": "x"}`, "text/plain", http.StatusUnsupportedMediaType},
		{"POST", completions, `{"prompt": "x"}`, "", http.StatusUnsupportedMediaType},
		{"POST", completions, long, "application/json", http.StatusRequestEntityTooLarge},
		{"GET", completions, ``, "", http.StatusMethodNotAllowed},
		{"DELETE", "/v1/models", ``, "", http.StatusMethodNotAllowed},
		{"POST", "/v1/embeddings", `{}`, "application/json", http.StatusNotFound},
		{"GET", "/", ``, "", http.StatusNotFound},
		{"GET", "/v1/models/other", ``, "", http.StatusNotFound},
	} {
		r := s.request(context.Background(), c.method, c.path, c.body)
		r.Header.Set("Content-Type", c.kind)
		status, _, got := s.send(r)
		if message, _ := refused(t, got); status != c.status {
			t.Errorf("%s %s %.20q: status %d, want %d: %s", c.method, c.path, c.body, status,
				c.status, message)
		}
	}
}

// A body with some bytes wrong is answered or refused, like any other.
func TestMangledBodies(t *testing.T) {
	s := open(t, options(), 4, 8)
	rng := rand.New(rand.NewPCG(3, 4))
	const wrong = "\"[]{}:,0-9aeln.\\ \x00\xff"
	seen := map[int]int{}
	for _, c := range []struct{ path, body string }{
		{completions, `{"prompt":["a",[256,98]],"max_tokens":2,"stop":["x"],"logprobs":1,"n":2}`},
		{completions, `{"prompt":"\u00e9\ud83e\udda9","echo":true,"seed":-1,"top_p":0.5}`},
		{chat, `{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"n":2}`},
	} {
		for range 300 {
			body := []byte(c.body)
			for range 1 + rng.IntN(3) {
				body[rng.IntN(len(body))] = wrong[rng.IntN(len(wrong))]
			}
			out := httptest.NewRecorder()
			s.server.ServeHTTP(out, s.request(context.Background(), "POST", c.path, string(body)))
			if seen[out.Code]++; !json.Valid(out.Body.Bytes()) {
				t.Errorf("%s: %q: status %d, %q", c.path, body, out.Code, out.Body)
			}
		}
	}
	if seen[200] == 0 || seen[400] == 0 || seen[200]+seen[400]+seen[404] != 900 {
		t.Errorf("statuses %v", seen)
	}
}
