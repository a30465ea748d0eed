package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// door is a listener on whose connections read deadlines come a hundred times as fast.
type door struct{ net.Listener }

type hasty struct{ net.Conn }

func (h hasty) SetReadDeadline(t time.Time) error {
	if left := time.Until(t); left > 0 {
		t = time.Now().Add(left / 100)
	}
	return h.Conn.SetReadDeadline(t)
}

func (d door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	return hasty{c}, err
}

// dial connects to the site's server through a door.
func (s *site) dial() net.Conn {
	s.t.Helper()
	web := httptest.NewUnstartedServer(s.server)
	web.Listener = door{web.Listener}
	web.Start()
	s.t.Cleanup(web.Close)
	client, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = client.Close() })
	if err := client.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	return client
}

const head = "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
	"Content-Length: %d\r\n%s\r\n"

func say(t *testing.T, c net.Conn, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		t.Fatal(err)
	}
}

// answered reads an answer and returns its status.
func answered(t *testing.T, from *bufio.Reader) int {
	t.Helper()
	resp, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// A body that nobody reads, of a request that is refused, does not hold its connection for ever.
func TestBodiesThatDoNotCome(t *testing.T) {
	opt := options()
	opt.Token = "secret"
	client := open(t, opt, 1, 2).dial()
	say(t, client, head, 10, "")
	if status := answered(t, bufio.NewReader(client)); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
}

// slow is a client whose connection notes what it is to take by when.
type slow struct {
	httptest.ResponseRecorder
	allowed bool
	largest int
}

func (s *slow) SetWriteDeadline(t time.Time) error {
	s.allowed = !t.IsZero()
	return nil
}

func (s *slow) Write(data []byte) (int, error) {
	if s.largest = max(s.largest, len(data)); !s.allowed {
		return 0, io.ErrClosedPipe
	}
	s.allowed = false
	return s.ResponseRecorder.Write(data)
}

// A long answer is sent in pieces, each of which has its own time.
func TestLongAnswersAreSentInPieces(t *testing.T) {
	s := open(t, options(), 4, 8)
	out := &slow{ResponseRecorder: *httptest.NewRecorder()}
	s.server.ServeHTTP(out, s.request(context.Background(), http.MethodPost, completions,
		asked().with(fields{"n": 6, "logprobs": 20, "echo": true}).json(t)))
	size := out.Body.Len()
	if size <= 1<<16 || out.largest > 1<<16 {
		t.Errorf("%d bytes were sent in pieces of up to %d", size, out.largest)
	}
}

// The server ends whatever its clients do: two do not send their bodies, one nothing at all.
func TestTheEndBesideSilentClients(t *testing.T) {
	opt := options()
	opt.Grace = time.Millisecond
	s := open(t, opt, 1, 8)
	end, ran := s.run()
	for range 2 {
		client, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = client.Close() }()
		say(t, client, head, 10, "Expect: 100-continue\r\n")
		if line, err := bufio.NewReader(client).ReadString('\n'); err != nil ||
			!strings.Contains(line, " 100 ") { // its handler waits for the body
			t.Fatalf("%q, %v", line, err)
		}
	}
	quiet, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = quiet.Close() }()
	end()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
