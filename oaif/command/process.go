package command

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/oaif/oaif/oaif"
)

// grace is how long a program that ends, or is to end, may take until it is killed.
const grace = time.Second

// process is one run of the program. Three goroutines serve it: listen reads its replies, drain its
// standard error, and supervise sees to its end. Questions are written by goroutines of their own,
// so that neither side ever waits for the other to read.
type process struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	log     tail
	timeout time.Duration

	heard, drained chan struct{} // closed when standard output and error are at their end
	kill           chan struct{} // closed when the program is to be killed
	ended          chan struct{} // closed when it is gone and err is final

	writing sync.Mutex // one call's lines at a time

	mu    sync.Mutex
	open  map[int64]place // questions without a reply, by id
	last  int64           // id given
	since time.Time       // of the last reply, or of the first question after none was open
	clock *time.Timer     // runs while questions are open
	err   *Error          // why it is over
}

// place is where a reply belongs.
type place struct {
	*call
	at int
}

// call are questions that are put together.
type call struct {
	replies []*reply
	left    int
	done    chan struct{} // closed when left is 0
}

// start starts the program. name begins the text of its errors.
func start(argv []string, name string, timeout time.Duration) (*process, error) {
	p := &process{
		name: name, cmd: exec.Command(argv[0], argv[1:]...), timeout: timeout,
		heard: make(chan struct{}), drained: make(chan struct{}),
		kill: make(chan struct{}), ended: make(chan struct{}), open: map[int64]place{},
	}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	ownGroup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.clock = time.AfterFunc(timeout, p.watch)
	p.mu.Unlock()
	go p.listen(stdout)
	go p.drain(stderr)
	go p.supervise()
	return p, nil
}

// ask puts the questions that have no reply yet, and waits until all have one.
func (p *process) ask(ctx context.Context, questions []oaif.Question, replies []*reply) error {
	c, lines, err := p.add(questions, replies)
	if err != nil {
		return err
	}
	go p.write(lines)
	select {
	case <-c.done:
		return nil
	case <-p.ended:
	case <-ctx.Done():
		p.fail(true, "was stopped")
		<-p.ended
		return ctx.Err()
	}
	select {
	case <-c.done: // in its last words
		return nil
	default:
		return p.err
	}
}

// add gives ids to the questions that have no reply yet, and returns their lines.
func (p *process) add(questions []oaif.Question, replies []*reply) (*call, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &call{replies: replies, done: make(chan struct{})}
	var lines []byte
	first := p.last + 1
	for i, q := range questions {
		if replies[i] != nil {
			continue
		}
		p.last++
		line, err := request{p.last, q.Fields["prompt"], q.A, q.B, q.Fields}.line()
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, line...)
		c.left++
	}
	if len(p.open) == 0 {
		p.since = time.Now()
		p.clock.Reset(p.timeout)
	}
	id := first
	for i := range questions {
		if replies[i] == nil {
			p.open[id] = place{c, i}
			id++
		}
	}
	return c, lines, nil
}

// write puts lines into the program's input.
func (p *process) write(lines []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	if _, err := p.stdin.Write(lines); err == nil {
		return
	}
	// It has ended, which supervise sees, or has closed its input and goes on.
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.fail(false, "does not read its input")
	}
}

// watch ends a program that has questions and has not replied for too long.
func (p *process) watch() {
	p.mu.Lock()
	open := len(p.open)
	wait := p.timeout - time.Since(p.since)
	if open > 0 && wait > 0 {
		p.clock.Reset(wait)
	}
	p.mu.Unlock()
	if open > 0 && wait <= 0 {
		p.fail(false, "has not replied for %v, with %d questions open", p.timeout, open)
	}
}

// fail says why the program is over, if nothing has said so before, and has it killed.
func (p *process) fail(gone bool, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = &Error{text: p.name + " " + fmt.Sprintf(format, args...), gone: gone}
		close(p.kill)
	}
}

// over returns why the program is over; nil while it is not.
func (p *process) over() *Error {
	select {
	case <-p.ended:
		return p.err
	default:
		return nil
	}
}

// close ends the program.
func (p *process) close() error {
	_ = p.stdin.Close() // it may be closed already: the program has ended
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.fail(true, "was stopped")
		<-p.ended
	}
	if p.err.gone {
		return nil
	}
	return p.err
}
