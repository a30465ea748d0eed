// Package remotetest puts faults between a client and an HTTP server that speaks the OpenAI API, as
// real ones have them, for tests.
//
// A handler and a plan of faults flow in, a handler flows out. It knows no endpoint but its own
// Oracle.
package remotetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"
)

// Fault is what goes wrong with one request.
type Fault int

// The faults, and None.
const (
	None       Fault = iota
	TooMany          // status 429, with a Retry-After of a millisecond
	Failed           // status 500, with the request's own header in the message
	Cut              // the connection ends in the middle of the answer
	Slow             // the answer comes a byte at a time
	NotJSON          // a web page
	NoLogprobs       // the answer without its log-probs
	NoChoice         // no choice
	TwoChoices       // one choice too many
	Faults           // the number of them
)

// Injector passes requests on to a handler and spoils what the plan says. Safe for concurrent use.
type Injector struct {
	inner http.Handler
	plan  func(request int64) Fault
	count atomic.Int64
	// Injected counts faults by kind.
	Injected [Faults]atomic.Int64
}

// New returns an Injector. plan is asked once for each request, which are numbered from 1, and must
// be safe for concurrent use.
func New(inner http.Handler, plan func(request int64) Fault) *Injector {
	return &Injector{inner: inner, plan: plan}
}

// ServeHTTP implements http.Handler.
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := i.plan(i.count.Add(1))
	i.Injected[fault].Add(1)
	switch fault {
	case None:
		i.inner.ServeHTTP(w, r)
	case TooMany:
		w.Header().Set("Retry-After-Ms", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case Failed:
		w.WriteHeader(http.StatusInternalServerError)
		write(w, fmt.Appendf(nil, `{"error":{"message":"refused %s"}}`,
			r.Header.Get("Authorization")))
	case NotJSON:
		write(w, fmt.Appendf(nil, "<html>%s</html>", r.Header.Get("Authorization")))
	default:
		answer := httptest.NewRecorder()
		i.inner.ServeHTTP(answer, r)
		spoil(w, r, fault, answer.Body.Bytes())
	}
}

// spoil sends an answer with its fault.
func spoil(w http.ResponseWriter, r *http.Request, fault Fault, body []byte) {
	switch fault {
	case Cut:
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		write(w, body[:len(body)/2])
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	case Slow:
		for _, b := range body {
			write(w, []byte{b})
			if http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
	default:
		write(w, change(body, fault))
	}
}

// change returns an answer with other choices; one that is no answer stays as it is.
func change(body []byte, fault Fault) []byte {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil {
		return body
	}
	choices, _ := answer["choices"].([]any)
	switch fault {
	case NoChoice:
		answer["choices"] = []any{}
	case TwoChoices:
		answer["choices"] = append(choices, choices...)
	case NoLogprobs:
		for _, c := range choices {
			if choice, ok := c.(map[string]any); ok {
				delete(choice, "logprobs")
			}
		}
	}
	changed, err := json.Marshal(answer)
	if err != nil {
		return body
	}
	return changed
}

// write sends what the other side may no longer want.
func write(w http.ResponseWriter, body []byte) { _, _ = w.Write(body) }
