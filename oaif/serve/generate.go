package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/oaif/oaif/oaif/engine"
)

// generate answers the requests whose bodies read understands.
func (s *Server) generate(read func([]byte) (*asked, *failure)) handler {
	return func(w http.ResponseWriter, r *http.Request) *failure {
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
		default: // before the body is read
			return failureOf(engine.ErrFull)
		}
		if s.ending.Load() {
			return failureOf(engine.ErrClosed)
		}
		data, f := s.body(w, r)
		if f != nil {
			return f
		}
		a, f := read(data)
		if f != nil {
			return f
		}
		ctx, cancel := context.WithTimeout(r.Context(), s.opt.Timeout)
		defer cancel()
		f = s.answer(ctx, w, a)
		if f != nil && r.Context().Err() != nil && !s.ending.Load() {
			const clientClosed = 499 // as nginx counts it; nobody reads it
			return &failure{status: clientClosed, message: "the client has gone"}
		}
		return f
	}
}

// body reads the body of a request.
func (s *Server) body(w http.ResponseWriter, r *http.Request) ([]byte, *failure) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		// Else any page that a browser shows could post to a server on this machine.
		f := invalidf("", "wants Content-Type: application/json")
		f.status = http.StatusUnsupportedMediaType
		return nil, f
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.opt.MaxBody))
	// The answer may take longer. Not every test's writer has a deadline.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		f := invalidf("", "the body has more than %d bytes", large.Limit)
		f.status = http.StatusRequestEntityTooLarge
		return nil, f
	case errors.Is(err, os.ErrDeadlineExceeded):
		f := invalidf("", "the body did not come within %v", bodyTime)
		f.status = http.StatusRequestTimeout
		return nil, f
	case err != nil:
		return nil, invalidf("", "the body cannot be read: %v", err)
	}
	return data, nil
}

// answer has the engine answer what is asked.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, a *asked) *failure {
	if n, most := len(a.prompts)*a.choices, s.engine.Queue(); n > most {
		return invalidf("n", "asks for %d choices, this server queues %d", n, most)
	}
	begun := time.Now()
	answers, err := s.engine.Submit(ctx, a.requests())
	if err != nil {
		return failureOf(err)
	}
	pieces := make(chan piece, len(answers))
	for i, one := range answers {
		go s.follow(a, i, one, func(p piece) {
			select {
			case pieces <- p:
			case <-ctx.Done(): // nobody takes it any more
			}
		})
	}
	next := func() (piece, error) {
		select {
		case p := <-pieces:
			return p, p.err
		case <-ctx.Done():
			return piece{}, ctx.Err()
		}
	}
	out := &flow{s: s, a: a, w: w, begun: begun, next: next, head: s.head(a),
		more: func() bool { return len(pieces) > 0 }}
	if a.stream {
		return out.stream()
	}
	return out.whole()
}

// flow is an answer on its way to the client.
type flow struct {
	s     *Server
	a     *asked
	w     http.ResponseWriter
	begun time.Time
	next  func() (piece, error) // the next piece of any choice
	more  func() bool           // whether next will not wait
	head  answer                // what the answer and all of its chunks begin with
	drawn int
}

// head returns an answer without choices.
func (s *Server) head(a *asked) answer {
	out := answer{Object: "text_completion", Created: time.Now().Unix(), Model: s.opt.Name}
	prefix := "cmpl-"
	if a.chat {
		out.Object, prefix = "chat.completion", "chatcmpl-"
		if a.stream {
			out.Object = "chat.completion.chunk"
		}
	}
	out.ID = prefix + newID()
	return out
}

// whole sends the answer when it is complete.
func (f *flow) whole() *failure {
	n := len(f.a.prompts) * f.a.choices
	texts, gathered := make([]strings.Builder, n), make([]piece, n)
	for left := n; left > 0; {
		p, err := f.take()
		if err != nil {
			return failureOf(err)
		}
		texts[p.choice].WriteString(p.text)
		to := &gathered[p.choice]
		to.choice = p.choice
		to.tokens = append(to.tokens, p.tokens...)
		if p.finish != "" {
			to.finish = p.finish
			left--
		}
	}
	out := f.head
	for i, p := range gathered {
		p.text = texts[i].String()
		out.Choices = append(out.Choices, f.s.choiceOf(f.a, p, false))
	}
	out.Usage = f.usage()
	body, err := json.Marshal(out)
	if err != nil {
		return failureOf(fmt.Errorf("the answer cannot be written: %w", err))
	}
	writeBody(f.w, http.StatusOK, body)
	return nil
}

// take returns the next piece and counts.
func (f *flow) take() (piece, error) {
	p, err := f.next()
	if err == nil && p.drawn > 0 {
		if f.drawn == 0 {
			f.s.metrics.first.Observe(time.Since(f.begun).Seconds())
		}
		f.drawn += p.drawn
	}
	return p, err
}

// usage counts the tokens of the whole answer.
func (f *flow) usage() *usage {
	u := usageOf(f.a, f.drawn)
	f.s.metrics.used(u)
	return u
}
