package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/vocab"
)

// Options are a server's name and limits.
type Options struct {
	Name    string        // what requests call the model
	Vocab   int           // ids of the model
	Token   string        // the bearer token that every request must have; "" for none
	MaxBody int64         // bytes of a request's body
	Timeout time.Duration // that a request may take, from its last byte to its answer's
	Grace   time.Duration // that requests have to end in when the server is to
}

// Limits that are no options: nothing good takes longer, or is larger.
const (
	headerTime = 10 * time.Second // to send a request's header
	bodyTime   = 30 * time.Second // and its body
	writeTime  = 30 * time.Second // to take what was written
	writeSize  = 1 << 16          // bytes that are written in that time
	idleTime   = 2 * time.Minute  // between two requests of a connection
	headerSize = 1 << 16
)

// Server answers the API's requests from an engine. It is an http.Handler, safe for concurrent use.
type Server struct {
	engine  *engine.Engine
	vocab   *vocab.Vocab
	opt     Options
	mux     *http.ServeMux
	metrics *metrics
	places  chan struct{} // one for every request that is being answered
	started time.Time
	ending  atomic.Bool
}

// New returns a server of the engine's model, whose text side is v.
func New(e *engine.Engine, v *vocab.Vocab, opt Options) *Server {
	s := &Server{engine: e, vocab: v, opt: opt, mux: http.NewServeMux(), metrics: newMetrics(e),
		places:  make(chan struct{}, e.Queue()+int(e.Stats().Slots)),
		started: time.Now()}
	s.handle("POST /v1/chat/completions", s.generate(s.readChat))
	s.handle("POST /v1/completions", s.generate(s.readCompletion))
	s.handle("GET /v1/models", s.listModels)
	s.handle("GET /v1/models/{id...}", s.oneModel)
	s.handle("GET /metrics", s.metrics.serve)
	s.handle("GET /health", s.health)
	s.handle("/", s.unknown)
	return s
}

// Run serves l until ctx ends. Requests that run then have Options.Grace to end in. The engine
// stays open.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	base, endAll := context.WithCancel(context.Background())
	defer endAll()
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		MaxHeaderBytes: headerSize, BaseContext: func(net.Listener) context.Context { return base },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.ending.Store(true)
	err := shutdown(server, s.opt.Grace)
	if errors.Is(err, context.DeadlineExceeded) {
		endAll() // those that are left are told so
		if err = shutdown(server, time.Second); errors.Is(err, context.DeadlineExceeded) {
			err = nil // what is left now waits for its client, and is cut off
		}
	}
	return errors.Join(err, server.Close())
}

func shutdown(server *http.Server, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return server.Shutdown(ctx)
}

// handler answers a request, or says why it does not.
type handler func(http.ResponseWriter, *http.Request) *failure

func (s *Server) handle(pattern string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		f := s.authorize(r)
		if f == nil {
			f = h(w, r)
		}
		switch out, ok := w.(*writer); {
		case f == nil:
		case ok && out.begun: // a stream that broke off: the client was told, or has gone
			out.status = f.status
		default:
			f.write(w)
		}
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	// Of a body, and of one that no handler reads, which is read behind it. Not every test's writer
	// has a deadline.
	_ = http.NewResponseController(w).SetReadDeadline(begun.Add(bodyTime))
	_, pattern := s.mux.Handler(r)
	out := &writer{ResponseWriter: w, status: http.StatusOK}
	s.mux.ServeHTTP(out, r)
	s.metrics.answered(pattern, out.status, time.Since(begun))
}

// writer remembers how the answer ended, and gives up on a client that does not take it.
type writer struct {
	http.ResponseWriter
	status int
	begun  bool // something was sent
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if w.status = status; !w.begun {
		w.begun = true
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(data []byte) (n int, err error) {
	w.begun = true
	for err == nil && n < len(data) {
		w.allow()
		var sent int
		sent, err = w.ResponseWriter.Write(data[n:min(n+writeSize, len(data))])
		n += sent
	}
	return n, err
}

// allow gives the client time to take what is written next.
func (w *writer) allow() {
	control := http.NewResponseController(w.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(writeTime)) // not every test's writer has one
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// authorize wants the token, where there is one. Health is no secret.
func (s *Server) authorize(r *http.Request) *failure {
	if s.opt.Token == "" || r.URL.Path == "/health" {
		return nil
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(s.opt.Token))
	if subtle.ConstantTimeCompare(a[:], b[:]) == 1 && strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return &failure{status: http.StatusUnauthorized, kind: typeInvalid, code: "invalid_api_key",
		message: "this server wants its token: Authorization: Bearer TOKEN"}
}
