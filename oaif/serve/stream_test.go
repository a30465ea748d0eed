package serve_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/engine"
)

// joined is what a stream says of a choice altogether.
type joined struct {
	text, role, finish string
	tokens             []string
	logprobs           []float32
}

func join(chunks []answer, index int) (j joined) {
	for _, a := range chunks {
		for _, c := range a.Choices {
			if c.Index != index {
				continue
			}
			j.add(c)
		}
	}
	return j
}

func (j *joined) add(c choice) {
	j.text += c.Text + c.Message.Content + c.Delta.Content
	j.role += c.Message.Role + c.Delta.Role
	if c.Finish != nil {
		j.finish += *c.Finish
	}
	if c.Logprobs == nil {
		return
	}
	j.tokens = append(j.tokens, c.Logprobs.Tokens...)
	for _, l := range c.Logprobs.Logprobs {
		if l != nil { // a prompt's first token has none
			j.logprobs = append(j.logprobs, *l)
		}
	}
	for _, t := range c.Logprobs.Content {
		j.tokens, j.logprobs = append(j.tokens, t.Token), append(j.logprobs, t.Logprob)
	}
}

// sameStream: a stream's chunks are the whole answer, piece by piece.
func sameStream(t *testing.T, whole answer, chunks []answer) {
	t.Helper()
	for i := range whole.Choices {
		got, want := join(chunks, i), join([]answer{whole}, i)
		if got.text != want.text || got.role != want.role || got.finish != want.finish ||
			!slices.Equal(got.tokens, want.tokens) ||
			!slices.EqualFunc(got.logprobs, want.logprobs, near) {
			t.Errorf("choice %d: the stream says %+v, the whole %+v", i, got, want)
		}
	}
	for _, a := range chunks {
		if a.ID != chunks[0].ID || a.Model != whole.Model || a.Error != nil {
			t.Errorf("chunk %+v does not go with %+v", a, chunks[0])
		}
	}
}

func near(a, b float32) bool { return a-b < 1e-5 && b-a < 1e-5 }

func TestStreamsAreTheAnswerInPieces(t *testing.T) {
	s := open(t, options(), 4, 32)
	talk := asked().with(fields{"messages": []fields{{"role": "user", "content": "hi"}}, "n": 3})
	delete(talk, "prompt")
	for _, c := range []struct {
		path string
		body fields
	}{
		{completions, asked().with(fields{"n": 3})},
		{completions, asked().with(fields{"logprobs": 3, "echo": true, "prompt": "é"})},
		{chat, talk},
		{chat, talk.with(fields{"logprobs": true, "top_logprobs": 2, "max_tokens": 50})},
	} {
		whole, chunks := s.post(c.path, c.body), s.stream(c.path, c.body)
		sameStream(t, whole, chunks)
		if len(chunks) < 10 || chunks[len(chunks)-1].Usage != nil {
			t.Errorf("%d chunks, the last %+v", len(chunks), chunks[len(chunks)-1])
		}
		counted := s.stream(c.path, c.body.with(fields{
			"stream_options": fields{"include_usage": true}}))
		last := counted[len(counted)-1]
		if last.Usage == nil || *last.Usage != *whole.Usage || len(last.Choices) != 0 {
			t.Errorf("the last chunk is %+v, the usage was %+v", last, whole.Usage)
		}
	}
}

// A client that goes away frees its slots and its places in the queue.
func TestDisconnectedClients(t *testing.T) {
	s := open(t, options(), 2, 32)
	ctx, cancel := context.WithCancel(context.Background())
	body := asked().with(fields{"n": 5, "max_tokens": 118, "min_tokens": 118, "stream": true})
	release := s.hold()
	ended := make(chan error)
	go func() {
		resp, err := http.DefaultClient.Do(s.request(ctx, http.MethodPost, completions,
			body.json(t)))
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			err = errors.Join(err, resp.Body.Close())
		}
		ended <- err
	}()
	s.until(func(e engine.Stats) bool { return e.Waiting == 3 }) // and two are to get the slots
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the client ended with %v", err)
	}
	release()
	s.until(func(e engine.Stats) bool { return e.Waiting == 0 && e.Running == 0 })
	if n := s.engine.Stats().Drawn; n >= 5*118 {
		t.Errorf("%d tokens were drawn for nobody", n)
	}
	s.until(func(engine.Stats) bool { return strings.Contains(s.metrics(), `status="499"`) })
}

// metrics returns what /metrics says.
func (s *site) metrics() string {
	status, _, body := s.send(s.request(context.Background(), http.MethodGet, "/metrics", ""))
	if status != http.StatusOK {
		s.t.Fatalf("metrics: status %d", status)
	}
	return string(body)
}
