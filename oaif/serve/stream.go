package serve

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
)

// stream sends pieces as they come, as server-sent events. A failure behind the first of them is an
// event, too.
func (f *flow) stream() *failure {
	begun := map[int]bool{}
	for left := len(f.a.prompts) * f.a.choices; left > 0; {
		p, err := f.take()
		if err != nil {
			broken := failureOf(err)
			if len(begun) > 0 {
				f.event(broken.body())
				f.flush()
			}
			return broken
		}
		if len(begun) == 0 {
			f.w.Header().Set("Content-Type", "text/event-stream")
			f.w.Header().Set("Cache-Control", "no-cache")
		}
		if !begun[p.choice] && f.a.chat {
			empty := ""
			f.chunk(choice{Index: p.choice, Delta: &turn{Role: "assistant", Content: &empty}})
		}
		begun[p.choice] = true
		if p.text != "" || len(p.tokens) > 0 || p.finish != "" {
			f.chunk(f.s.choiceOf(f.a, p, true))
		}
		if p.finish != "" {
			left--
		}
		if !f.more() {
			f.flush()
		}
	}
	if u := f.usage(); f.a.usage {
		out := f.head
		out.Choices, out.Usage = []choice{}, u
		f.send(out)
	}
	f.event([]byte("[DONE]"))
	f.flush()
	return nil
}

func (f *flow) chunk(c choice) {
	out := f.head
	out.Choices = []choice{c}
	f.send(out)
}

func (f *flow) send(out answer) {
	// Its numbers are finite and its strings UTF-8: it can be marshalled.
	body, _ := json.Marshal(out)
	f.event(body)
}

// event writes one event. When the client has gone, its request's context ends, and with it the
// stream.
func (f *flow) event(data []byte) {
	_, _ = f.w.Write(append(append([]byte("data: "), data...), "\n\n"...))
}

func (f *flow) flush() { _ = http.NewResponseController(f.w).Flush() }

// newID returns what an answer is called: 128 random bits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
