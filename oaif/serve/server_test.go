package serve_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif/engine"
)

// post1 posts a body and returns what came, whatever it is.
func (s *site) post1(body fields) (int, http.Header, []byte) {
	return s.send(s.request(context.Background(), http.MethodPost, completions, body.json(s.t)))
}

// A server whose queue is full says so, and when to come again.
func TestAFullQueue(t *testing.T) {
	s := open(t, options(), 1, 2)
	release := s.hold()
	ended := make(chan int)
	for i, choices := range []int{2, 1} { // one gets the slot, two wait
		go func() {
			status, _, _ := s.post1(asked().with(fields{"n": choices}))
			ended <- status
		}()
		s.until(func(e engine.Stats) bool { return e.Waiting == int64(1+i) })
	}
	status, header, body := s.post1(asked())
	message, _ := refused(t, body)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" {
		t.Errorf("status %d, Retry-After %q: %s", status, header.Get("Retry-After"), message)
	}
	release()
	for range 2 {
		if status := <-ended; status != http.StatusOK {
			t.Errorf("a request that waited ended with %d", status)
		}
	}
}

func TestARequestMayTakeSoLong(t *testing.T) {
	opt := options()
	opt.Timeout = time.Millisecond
	s := open(t, opt, 1, 2)
	release := s.hold()
	status, _, body := s.post1(asked())
	if message, _ := refused(t, body); status != http.StatusServiceUnavailable ||
		!strings.Contains(message, "longer") {
		t.Errorf("status %d: %s", status, message)
	}
	release()
}

// With a token, nothing but health is answered without it.
func TestTheToken(t *testing.T) {
	opt := options()
	opt.Token = "a planted secret"
	s := open(t, opt, 1, 2)
	if a := s.post(completions, asked()); len(a.Choices) != 1 {
		t.Errorf("with the token: %+v", a)
	}
	for _, given := range []string{"", "Bearer ", "Bearer a planted", "Basic a planted secret",
		"a planted secret"} {
		for path, want := range map[string]int{
			completions: 401, "/v1/models": 401, "/metrics": 401, "/nothing": 401, "/health": 200,
		} {
			method := http.MethodGet
			if path == completions {
				method = http.MethodPost
			}
			r := s.request(context.Background(), method, path, asked().json(t))
			r.Header.Set("Authorization", given)
			status, _, body := s.send(r)
			if status != want || strings.Contains(string(body), "planted") {
				t.Errorf("%s with %q: status %d, %s", path, given, status, body)
			}
		}
	}
}

func TestModels(t *testing.T) {
	s := open(t, options(), 1, 2)
	_, _, body := s.send(s.request(context.Background(), http.MethodGet, "/v1/models", ""))
	var list struct {
		Object string
		Data   []struct {
			ID     string
			Length int `json:"max_model_len"`
		}
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list.Data) != 1 ||
		list.Data[0].ID != "tiny" || list.Data[0].Length != 128 || list.Object != "list" {
		t.Errorf("%s: %v", body, err)
	}
	status, _, _ := s.send(s.request(context.Background(), http.MethodGet, "/v1/models/tiny", ""))
	if status != http.StatusOK {
		t.Errorf("the model itself: status %d", status)
	}
}

func TestMetrics(t *testing.T) {
	s := open(t, options(), 3, 8)
	s.post(completions, asked().with(fields{"n": 2}))
	s.post1(fields{"prompt": 3})
	text := s.metrics()
	for _, want := range []string{
		`oaif_requests_total{path="/v1/completions",status="200"} 1`,
		`oaif_requests_total{path="/v1/completions",status="400"} 1`,
		`oaif_request_seconds_count{path="/v1/completions"} 2`, "oaif_first_token_seconds_count 1",
		`oaif_tokens_total{kind="prompt"} 10`, `oaif_tokens_total{kind="completion"} 40`,
		"oaif_drawn_tokens_total 40", "oaif_slots 3", "oaif_slots_busy 0", "oaif_queue_length 0",
		"oaif_prefills_total 1", "oaif_prefilled_tokens_total 10", "oaif_steps_total 19",
		"oaif_device_failures_total 0", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}

// A server that is ended finishes what it has begun, and takes nothing new.
func TestTheEnd(t *testing.T) {
	s := open(t, options(), 1, 8)
	end, ran := s.run()
	release := s.hold()
	got := make(chan int)
	go func() {
		status, _, _ := s.post1(asked().with(fields{"n": 2}))
		got <- status
	}()
	s.until(func(e engine.Stats) bool { return e.Waiting == 1 }) // the other one is to get the slot
	end()
	release()
	if status := <-got; status != http.StatusOK {
		t.Errorf("the request that ran ended with %d", status)
	}
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(s.url + "/health"); err == nil {
		t.Error("the server still takes requests")
	}
}

// What takes longer than the grace is told that the server is ending.
func TestTheEndOfTheGrace(t *testing.T) {
	opt := options()
	opt.Grace = time.Millisecond
	s := open(t, opt, 1, 8)
	end, ran := s.run()
	release := s.hold()
	got := make(chan int)
	go func() {
		status, _, _ := s.post1(asked().with(fields{"n": 2}))
		got <- status
	}()
	s.until(func(e engine.Stats) bool { return e.Waiting == 1 })
	end()
	if status := <-got; status != http.StatusServiceUnavailable {
		t.Errorf("the request that was left ended with %d", status)
	}
	if err := <-ran; err != nil {
		t.Error(err)
	}
	release()
}
