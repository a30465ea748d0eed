package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxLine is the most bytes of a reply.
const maxLine = 1 << 16

// listen reads replies until there are no more, or one is wrong.
func (p *process) listen(stdout io.Reader) {
	defer close(p.heard)
	lines := bufio.NewReaderSize(stdout, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			p.fail(false, "wrote a line of more than %d bytes", maxLine)
			return
		case err != nil:
			return // what has no line end was cut off with the program
		}
		if err := p.take(line); err != nil {
			p.fail(false, "%v", err)
			return
		}
	}
}

// take gives a reply to the call that waits for it.
func (p *process) take(line []byte) error {
	r, err := parseReply(line)
	if err != nil {
		return fmt.Errorf("wrote %s, which is no reply: %w", quote(string(line), false), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	to, ok := p.open[*r.ID]
	switch {
	case ok:
	case *r.ID >= 1 && *r.ID <= p.last:
		return fmt.Errorf("replied twice to question %d", *r.ID)
	default:
		return fmt.Errorf("replied to question %d, which was not asked", *r.ID)
	}
	delete(p.open, *r.ID)
	p.since = time.Now()
	to.replies[to.at] = &r
	to.left--
	if to.left == 0 {
		close(to.done)
	}
	return nil
}

// drain reads the standard error, whatever becomes of it: a program must never wait to be heard.
func (p *process) drain(stderr io.Reader) {
	defer close(p.drained)
	_, _ = io.Copy(&p.log, stderr) // an error is its end
}

// supervise waits for the program's end, brings it about if need be, and leaves nothing of it: no
// other process of its group and no zombie. What it had written before is read.
func (p *process) supervise() {
	exited := exitOf(p.cmd.Process)
	select {
	case <-exited:
	case <-p.kill:
	case <-p.heard: // it closed its output, as one does that ends
		select {
		case <-exited:
		case <-p.kill:
		case <-time.After(grace):
			p.fail(false, "closed its output and went on")
		}
	}
	killGroup(p.cmd.Process)
	// Someone outside of the group may have the pipes too: they are not waited for.
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, end := range []chan struct{}{p.heard, p.drained} {
		select {
		case <-end:
		case <-ctx.Done():
		}
	}
	how := "exit status 0"
	if err := p.cmd.Wait(); err != nil { // it closes the pipes
		how = err.Error()
	}
	<-p.heard
	<-p.drained
	p.settle(how)
}

// settle makes the reason of the end final.
func (p *process) settle(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clock.Stop()
	if p.err == nil {
		p.err = &Error{gone: true, text: fmt.Sprintf("%s ended (%s) with %d questions open",
			p.name, how, len(p.open))}
	}
	if last := p.log.String(); last != "" {
		p.err.text += "; its standard error ends: " + last
	}
	close(p.ended)
}
