package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// maxAnswer bounds the bytes of one answer that are read.
const maxAnswer = 8 << 20

// Client sends requests to one endpoint. Safe for concurrent use.
type Client struct {
	end   annotator.Remote
	key   *key // behind a pointer, so that printing a Client does not show it
	http  *http.Client
	gate  *gate
	cache *Cache        // nil: none
	first time.Duration // the pause before a request's first repetition
}

// Dial returns a client of e, which Check has passed. Nothing is sent before the first request.
// cache may be nil.
func Dial(e annotator.Remote, cache *Cache) (*Client, error) {
	key, err := keyOf(&e)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = e.Concurrency
	client := &http.Client{Transport: transport, Timeout: e.Timeout,
		// A key must not follow to another host, nor a question to where nobody sent it.
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
	return &Client{end: e, key: key, http: client, gate: newGate(&e), cache: cache,
		first: 500 * time.Millisecond}, nil
}

// Usage returns what the requests of this client have used; answers from the cache cost nothing.
func (c *Client) Usage() annotator.Usage { return c.gate.usage() }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ask sends a request and gives what it answers to read. A request that fails is repeated. The
// failure says that the last answer was broken, so that the question can be skipped; an error means
// that the endpoint cannot be used at all.
func (c *Client) ask(
	ctx context.Context, r request, read reader,
) (*failure, error) {
	payload, err := json.Marshal(r.body)
	if err != nil {
		return nil, fmt.Errorf("annotator: %w", err)
	}
	if stored, ok, err := c.cache.get(r.path, payload); err != nil || ok {
		if err != nil {
			return nil, err
		}
		return read(stored), nil
	}
	if c.cache.only() {
		return nil, oaif.UnavailableError(c.cache.path + ": the answer to a request is not in " +
			"the annotator's cache, and nothing is to be sent")
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = c.first, 30*time.Second
	for tried := 0; ; tried++ {
		answer, err := c.once(ctx, r, payload)
		if err == nil {
			f := read(answer)
			if f == nil || f.final {
				return f, c.cache.put(r.path, payload, answer)
			}
			err = f
		}
		if f := asFailure(err); f.broken && (f.final || tried >= c.end.Retries) {
			return f, nil
		}
		if err = c.pause(ctx, err, tried, pauses.NextBackOff()); err != nil {
			return nil, err
		}
	}
}

// pause waits before the next try, or says why there is none.
func (c *Client) pause(ctx context.Context, err error, tried int, pause time.Duration) error {
	if ctx.Err() != nil { // whatever came of this request: nobody waits for it
		return ctx.Err()
	}
	if errors.Is(err, oaif.ErrUnavailable) {
		return err
	}
	f := asFailure(err)
	if f.final || tried >= c.end.Retries {
		return oaif.UnavailableError(fmt.Sprintf("annotator: %s: %s", c.end.URL, f.text))
	}
	timer := time.NewTimer(max(pause, f.after))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once sends one request and returns the body of an answer with status 200 that is JSON.
func (c *Client) once(
	ctx context.Context, r request, payload []byte,
) (body []byte, err error) {
	about := of(&c.end, r.in, r.out)
	if err := c.gate.enter(ctx, about); err != nil {
		return nil, err
	}
	used := about // of an answer that is cut off too: it may have been paid for
	defer func() { c.gate.leave(about, used) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		strings.TrimRight(c.end.URL, "/")+r.path, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	c.key.put(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		if neverSent(err) {
			used = annotator.Usage{Requests: 1}
		}
		return nil, c.key.hideIn(err)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, c.key.hideIn(err)
	}
	body = c.key.hide(body)
	if resp.StatusCode != http.StatusOK {
		used = annotator.Usage{Requests: 1}
		return nil, refused(resp.StatusCode, resp.Header, message(body), time.Now())
	}
	if len(body) > maxAnswer {
		return nil, brokenf("the answer is longer than %d bytes", maxAnswer)
	}
	in, out, err := counted(body, r)
	if err != nil {
		return nil, err
	}
	used = of(&c.end, in, out)
	return body, nil
}

// neverSent says that a request failed before there was a connection.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// counted returns the prompt and completion tokens of an answer: what was estimated of the request,
// where the endpoint does not count.
func counted(body []byte, r request) (in, out int64, err error) {
	var answer struct {
		Usage *struct {
			Prompt     *int64 `json:"prompt_tokens"`
			Completion *int64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, 0, brokenf("the answer is not JSON: %v", err)
	}
	in, out = r.in, r.out
	if u := answer.Usage; u != nil && u.Prompt != nil {
		in = max(0, *u.Prompt)
	}
	if u := answer.Usage; u != nil && u.Completion != nil {
		out = max(0, *u.Completion)
	}
	return in, out, nil
}

// message is what an error's body says, cut to one short line.
func message(body []byte) string {
	var said struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	var inner struct {
		Message string `json:"message"`
	}
	text := strings.TrimSpace(string(body))
	if json.Unmarshal(body, &said) == nil {
		switch {
		case json.Unmarshal(said.Error, &inner) == nil && inner.Message != "":
			text = inner.Message
		case said.Message != "":
			text = said.Message
		}
	}
	const most = 200
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return text
}
