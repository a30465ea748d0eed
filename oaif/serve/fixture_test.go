package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif/engine"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/oaif/model/modeltest"
	"github.com/oaif/oaif/oaif/serve"
	"github.com/oaif/oaif/oaif/vocab"
	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// site is a server of the tiny model, and what is behind it.
type site struct {
	t      *testing.T
	url    string
	token  string
	model  *model.Model
	vocab  *vocab.Vocab
	engine *engine.Engine
	server *serve.Server
}

// options are those of a site unless a test changes them.
func options() serve.Options {
	return serve.Options{Name: "tiny", Vocab: modeltest.Config().Vocab, MaxBody: 1 << 16,
		Timeout: time.Minute, Grace: time.Second}
}

// open starts a server that is gone when the test ends.
func open(t *testing.T, opt serve.Options, slots, queue int) *site {
	t.Helper()
	file := modeltest.Open(t)
	s := &site{t: t, token: opt.Token}
	var err error
	if s.vocab, err = vocab.Of(file, nil); err != nil {
		t.Fatal(err)
	}
	dev := torchtest.Open(t, 1)
	if s.model, err = model.Load(dev, file, torch.Float32, false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Do(s.model.Close); err != nil {
			t.Error(err)
		}
	})
	s.engine, err = engine.New(s.model, engine.Options{Slots: slots, Length: modeltest.Context,
		Queue: queue, EOS: s.vocab.EOS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.engine.Close)
	s.server = serve.New(s.engine, s.vocab, opt)
	web := httptest.NewServer(s.server)
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// run has the server take requests by itself, at another address, until end is called. What Run
// returned is in ran then.
func (s *site) run() (end context.CancelFunc, ran <-chan error) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	ctx, end := context.WithCancel(context.Background())
	returned := make(chan error)
	go func() { returned <- s.server.Run(ctx, l) }()
	return end, returned
}

// request makes a request with a JSON body, or none.
func (s *site) request(ctx context.Context, method, path, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	return r
}

// send returns the status, the header and the body of an answer.
func (s *site) send(r *http.Request) (int, http.Header, []byte) {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

// fields are the fields of a request's body.
type fields map[string]any

func (f fields) with(more fields) fields {
	out := fields{}
	for _, from := range []fields{f, more} {
		for k, v := range from {
			out[k] = v
		}
	}
	return out
}

func (f fields) json(t *testing.T) string {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const (
	completions = "/v1/completions"
	chat        = "/v1/chat/completions"
)

// answer is an answer of either kind, or a chunk of one.
type answer struct {
	ID, Object, Model string
	Choices           []choice
	Usage             *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
	Error *struct {
		Message, Type string
		Param, Code   *string
	}
}

type choice struct {
	Index          int
	Text           string
	Message, Delta struct{ Role, Content string }
	Logprobs       *struct {
		Tokens   []string
		Logprobs []*float32           `json:"token_logprobs"`
		Top      []map[string]float32 `json:"top_logprobs"`
		Offsets  []int                `json:"text_offset"`
		Content  []chatToken
	}
	Finish *string `json:"finish_reason"`
}

type chatToken struct {
	Token   string
	Logprob float32
	Bytes   []int
	Top     []chatToken `json:"top_logprobs"`
}

// post posts a body that must be answered.
func (s *site) post(path string, body fields) (a answer) {
	s.t.Helper()
	status, _, got := s.send(s.request(context.Background(), http.MethodPost, path,
		body.json(s.t)))
	if status != http.StatusOK {
		s.t.Fatalf("%s %v: status %d, %s", path, body, status, got)
	}
	if err := json.Unmarshal(got, &a); err != nil {
		s.t.Fatalf("%s: %v", got, err)
	}
	return a
}

// stream posts a body that must be answered by a stream, and returns its chunks.
func (s *site) stream(path string, body fields) (chunks []answer) {
	s.t.Helper()
	status, header, got := s.send(s.request(context.Background(), http.MethodPost, path,
		body.with(fields{"stream": true}).json(s.t)))
	if kind := header.Get("Content-Type"); status != http.StatusOK || kind != "text/event-stream" {
		s.t.Fatalf("status %d, %s: %s", status, kind, got)
	}
	rest, done := bytes.CutSuffix(got, []byte("data: [DONE]\n\n"))
	if !done {
		s.t.Fatalf("the stream does not say that it is done: %s", got)
	}
	for event := range strings.SplitSeq(strings.TrimSuffix(string(rest), "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		var a answer
		if err := json.Unmarshal([]byte(data), &a); err != nil || !ok {
			s.t.Fatalf("event %q: %v", event, err)
		}
		chunks = append(chunks, a)
	}
	return chunks
}

// hold keeps the device busy until release is called.
func (s *site) hold() (release func()) {
	held, free, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.model.Device().Do(func() {
			close(held)
			<-free
		})
	}()
	<-held
	return func() {
		close(free)
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	}
}

// until returns when the engine's numbers are so; that they never are ends the test.
func (s *site) until(so func(engine.Stats) bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !so(s.engine.Stats()); {
		if time.Now().After(end) {
			s.t.Fatalf("after a minute the engine still says %+v", s.engine.Stats())
		}
		time.Sleep(time.Millisecond)
	}
}
