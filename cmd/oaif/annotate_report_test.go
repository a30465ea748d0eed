package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/annotator"
)

// preferGood is an endpoint that names the slot with "good" in it, for 40 tokens in and one out.
func preferGood(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		first, second := -3.0, -.1
		if strings.Contains(string(body), "1: good") {
			first, second = second, first
		}
		_, _ = fmt.Fprintf(w, `{"object":"chat.completion","choices":[{"index":0,
			"message":{"role":"assistant","content":"1"},"finish_reason":"length",
			"logprobs":{"content":[{"token":"1","logprob":%v,"top_logprobs":[
				{"token":"1","logprob":%[1]v},{"token":"2","logprob":%v}]}]}}],
			"usage":{"prompt_tokens":40,"completion_tokens":1,"total_tokens":41}}`,
			first, second)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestReportOfARemoteAnnotator: what the endpoint counted is in the report, at the file's prices.
// Two pairs cost a request for each of their orders; what asks whether the endpoint can be used at
// all counts too.
func TestReportOfARemoteAnnotator(t *testing.T) {
	dir := t.TempDir()
	at := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	spec := at("far.toml", "kind = \"pairwise\"\nchat = true\n"+
		"prompt = \"{prompt} 1: {a} 2: {b}\"\n"+
		"[remote]\nmodel = \"m\"\nprice_in = 1000\nprice_out = 2000\nurl = \""+
		preferGood(t).URL+"/v1\"\n")
	in := at("in.jsonl", `{"prompt":"p","a":"good","b":"bad","label":"a"}`+"\n"+
		`{"prompt":"p","a":"worse","b":"good","label":"a"}`+"\n")
	to := filepath.Join(dir, "report.json")
	status, stdout, stderr := run("annotate", "--annotator", spec, "--in", in, "--report", to)
	if status != 0 || strings.Count(stdout, "\n") != 2 {
		t.Fatalf("status %d, %q, %s", status, stdout, stderr)
	}
	text, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	var r annotator.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Agreement.K != 1 || r.Agreement.N != 2 || r.LMPrompts != 4 || r.Position.SameSlot.K != 0 {
		t.Errorf("%+v", r)
	}
	used := r.Usage
	if used == nil || used.Requests < 4 || used.PromptTokens != 40*used.Requests ||
		used.CompletionTokens != used.Requests {
		t.Fatalf("used %+v", used)
	}
	if want := float64(used.Requests) * (40*1000 + 2000) / 1e6; used.Cost < .999*want ||
		used.Cost > 1.001*want {
		t.Errorf("cost %v, want %v", used.Cost, want)
	}
	line := fmt.Sprintf("used: %d requests, %d prompt tokens", used.Requests, used.PromptTokens)
	if !strings.Contains(stderr, line) {
		t.Errorf("no %q in\n%s", line, stderr)
	}
}
