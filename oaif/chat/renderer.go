package chat

import (
	"encoding/gob"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/oaif/oaif/oaif"
)

// rendererEnv makes this program, started again, a renderer of unknown templates and nothing else.
const rendererEnv = "OAIF_CHAT_RENDERER"

// request is one template to compile, and to render if Render is set.
type request struct {
	Limits   limits
	Source   string
	Options  Options
	Render   bool
	Messages []oaif.Message
	Generate bool
}

// reply is the text, or what is wrong.
type reply struct{ Text, Error string }

// apart is the process in which unknown templates run. Only killing a process ends a template for
// certain: the engine cannot be interrupted.
var apart renderer

// renderer is a child process that answers one request at a time. It is started when it is needed,
// and ends with this process, or at a limit.
type renderer struct {
	mu  sync.Mutex
	cmd *exec.Cmd // nil while none is running
	in  io.WriteCloser
	enc *gob.Encoder
	dec *gob.Decoder
}

// do answers a request. Every error is an oaif.DataError.
func (r *renderer) do(q request) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Limits = limit; len(q.Source) > limit.Source {
		return "", dataError(limit.errSource())
	}
	if r.cmd == nil {
		if err := r.start(); err != nil {
			return "", dataError(err)
		}
	}
	var a reply
	err := r.enc.Encode(q)
	if err == nil {
		err = r.dec.Decode(&a)
	}
	if err != nil {
		return "", dataError(r.end())
	}
	if a.Error != "" {
		return "", oaif.DataError(a.Error)
	}
	return a.Text, nil
}

func (r *renderer) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), rendererEnv+"=1", "GOMAXPROCS=2", "GOTRACEBACK=none")
	// An interrupt from the terminal is for this process, which may still have texts to render.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r.cmd, r.in = cmd, in
	r.enc, r.dec = gob.NewEncoder(in), gob.NewDecoder(out)
	return nil
}

// end says why the process has gone.
func (r *renderer) end() error {
	_ = r.in.Close() // the process ends at the end of its input at the latest
	err := r.cmd.Wait()
	r.cmd = nil
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return errDeep
	}
	switch exit.ExitCode() {
	case exitMemory:
		return limit.errMemory()
	case exitTime:
		return limit.errTime()
	}
	return errDeep
}
