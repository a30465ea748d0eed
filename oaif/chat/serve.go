package chat

import (
	"encoding/gob"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/ardanlabs/jinja"
)

// A renderer is any program with this package in it, so it must branch off before main.
func init() {
	if os.Getenv(rendererEnv) != "" {
		serve(os.Stdin, os.Stdout)
		os.Exit(0)
	}
}

// task is the rendering under way: its limits, and when it began on the clock of processor time.
type task struct {
	limits limits
	since  time.Duration
}

// watch ends the process when the task passes a limit.
func watch(current *atomic.Pointer[task]) {
	for range time.Tick(10 * time.Millisecond) {
		if t := current.Load(); t != nil {
			if status := t.limits.passed(t.since); status != 0 {
				os.Exit(status)
			}
		}
	}
}

// serve answers requests until there are no more.
func serve(in io.Reader, out io.Writer) {
	var current atomic.Pointer[task]
	go watch(&current)
	compiled := map[string]*jinja.Template{}
	enc, dec := gob.NewEncoder(out), gob.NewDecoder(in)
	for {
		var q request
		if dec.Decode(&q) != nil {
			return
		}
		debug.SetMaxStack(q.Limits.Stack)
		current.Store(&task{q.Limits, processorTime()})
		a := answer(compiled, q)
		current.Store(nil)
		if enc.Encode(a) != nil {
			return
		}
	}
}

// answer compiles and renders; compiled holds the templates of earlier requests.
func answer(compiled map[string]*jinja.Template, q request) reply {
	t, ok := compiled[q.Source]
	if !ok {
		var err error
		if t, err = compile(q.Source); err != nil {
			return reply{Error: err.Error()}
		}
		compiled[q.Source] = t
	}
	if !q.Render {
		return reply{}
	}
	text, err := render(t, q.Options, q.Messages, q.Generate)
	switch {
	case err != nil:
		return reply{Error: err.Error()}
	case len(text) > q.Limits.Text:
		return reply{Error: dataError(q.Limits.errText()).Error()}
	}
	return reply{Text: text}
}
