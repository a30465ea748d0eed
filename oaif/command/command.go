package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// Error says what a program did that ends the asking.
type Error struct {
	text string
	// gone says that the program ended, or was ended, without having said anything wrong: another
	// one may be asked.
	gone bool
}

func (e *Error) Error() string { return e.text }

// Is says that every Error is an oaif.ErrUnavailable: what was annotated before holds.
func (e *Error) Is(target error) bool { return target == oaif.ErrUnavailable }

// Annotator asks a program, which it starts when it is first asked. It is safe for concurrent use:
// all calls share one process. Close must be called.
type Annotator struct {
	spec   *annotator.Spec
	digest string

	mu      sync.Mutex
	process *process // the last one; nil before the first
	closed  bool
	told    bool // what a process said wrong has been returned
}

var _ oaif.Annotator = (*Annotator)(nil)

// New returns the annotator of a Spec of kind annotator.Command. A program that is not there is an
// oaif.UsageError.
func New(spec *annotator.Spec) (*Annotator, error) {
	if spec == nil || spec.Kind != annotator.Command || len(spec.Command) == 0 {
		return nil, oaif.UsageError("command: the Spec is not one of kind = \"command\"")
	}
	if _, err := exec.LookPath(spec.Command[0]); err != nil {
		return nil, oaif.UsageError(fmt.Sprintf("%s: command cannot be started: %v", spec.Path(),
			err))
	}
	digest, err := digestOf(spec.Command)
	if err != nil {
		return nil, oaif.UsageError(fmt.Sprintf("%s: command: %v", spec.Path(), err))
	}
	return &Annotator{spec: spec, digest: digest}, nil
}

// digestOf is the SHA-256, in hex, of the arguments and of the contents of those that are files, so
// that a changed script is asked again.
func digestOf(argv []string) (string, error) {
	all := sha256.New()
	for _, arg := range argv {
		sum, err := fileSum(arg)
		if err != nil {
			return "", err
		}
		if _, err := fmt.Fprintf(all, "%q %s\n", arg, sum); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// fileSum returns the SHA-256 of a regular file, "" when path is none.
func fileSum(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", nil // most arguments are no files
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Digest names the program: its arguments, and the files that are named among them, as they were
// when New was called.
func (a *Annotator) Digest() string { return a.digest }

// Annotate implements oaif.Annotator. All questions whose texts differ are written at once. When
// ctx is done the program is killed.
func (a *Annotator) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	return annotator.Differing(questions, func(differ []oaif.Question) ([]oaif.Preference, error) {
		replies, err := a.ask(ctx, differ)
		if err != nil {
			return nil, err
		}
		prefs := make([]oaif.Preference, len(replies))
		for i, r := range replies {
			prefs[i] = r.preference(a.spec)
		}
		return prefs, nil
	})
}

// ask returns a reply for each question. If the program is gone before it has answered all, the
// others are put once more, to another process.
func (a *Annotator) ask(ctx context.Context, questions []oaif.Question) ([]*reply, error) {
	replies := make([]*reply, len(questions))
	for again := false; ; again = true {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := a.running()
		if err != nil {
			return nil, err
		}
		err = p.ask(ctx, questions, replies)
		var e *Error
		if err == nil || again || !errors.As(err, &e) || !e.gone {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.told = a.told || e != nil
			return replies, err
		}
	}
}

// running returns the process, and starts one where there is none. After a process that said
// something wrong none is started.
func (a *Annotator) running() (*process, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, errors.New("command: the annotator is closed")
	}
	if p := a.process; p != nil {
		if e := p.over(); e == nil || !e.gone {
			return p, nil // one that is over says why
		}
	}
	name := fmt.Sprintf("%s: the command %s", a.spec.Path(), quote(a.spec.Command[0], false))
	p, err := start(a.spec.Command, name, a.spec.Timeout)
	if err != nil {
		return nil, &Error{text: name + " cannot be started: " + err.Error()}
	}
	a.process = p
	return p, nil
}

// Close ends the program: by the end of its input and, if that is not enough, by killing it. An
// *Error says that it had said something wrong that Annotate has not returned. It may be called
// twice.
func (a *Annotator) Close() error {
	a.mu.Lock()
	p, told := a.process, a.told
	a.closed, a.process = true, nil
	a.mu.Unlock()
	if p == nil {
		return nil
	}
	if err := p.close(); !told {
		return err
	}
	return nil
}
