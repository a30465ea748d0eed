package remote_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/remote"
)

// TestKeyInOtherSpellings: an endpoint that repeats the key as JSON may spell it, or where no HTTP
// belongs, does not get it into an error, a reason or the cache.
func TestKeyInOtherSpellings(t *testing.T) {
	spelt := `\u0073k-planted-012345678\u0039` // secret
	write := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { say(w, "%s", text) }
	}
	raw := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			say(conn, "%s", text)
			_ = conn.Close() // nothing is lost
		}
	}
	for name, answer := range map[string]func(http.ResponseWriter){
		"in a message": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnauthorized)
			say(w, `{"error":{"message":"no \"%s\""}}`, spelt)
		},
		"in a text": write(fmt.Sprintf(`{"choices":[{"message":{"content":"a \"1\" of %s"}}]}`,
			spelt)),
		"in place of a status": raw("HTTP/1.1 no " + secret + "\r\n\r\n"),
		"in a header":          raw("HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n"),
		"in a chunk's length": raw(
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, func(_ int64, w http.ResponseWriter, _ map[string]any) { answer(w) })
			path := filepath.Join(t.TempDir(), "answers")
			cache, err := remote.OpenCache(path, false)
			if err != nil {
				t.Fatal(err)
			}
			c := client(t, e, cache, func(r *annotator.Remote) { r.Retries = 1 })
			said, err := remote.NewLM(c, false).Write(context.Background(), question, 16)
			if e.requests.Load() == 0 {
				t.Fatal("nothing was asked")
			}
			if text := fmt.Sprintf("%v %+v", err, said); strings.Contains(text, "planted") {
				t.Errorf("said %s", text)
			}
			if err := cache.Close(); err != nil {
				t.Fatal(err)
			}
			kept, err := os.ReadFile(path)
			if err != nil || strings.Contains(string(kept), "planted") {
				t.Errorf("the key is in the cache, or %v", err)
			}
		})
	}
}

// TestKeyThatIsAWord: a key that is there for form's sake changes no answer.
func TestKeyThatIsAWord(t *testing.T) {
	for _, word := range []string{"1", "token", "EMPTY", "logprob"} {
		server := serveAny(t, func(w http.ResponseWriter) {
			ranked(w, map[string]float64{"1": -.1, "2": -3, "EMPTY": -4})
		})
		t.Setenv("A_WORD", word)
		c, err := remote.Dial(annotator.Remote{URL: server, Model: "m", KeyEnv: "A_WORD",
			Concurrency: 1, Timeout: 5e9}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := ask(t, c, false, "1", "2")
		c.Close()
		if got.Reason != "" || got.Bounded || got.Logprobs[0] != -.1 || got.Logprobs[1] != -3 {
			t.Errorf("key %q: got %+v", word, got)
		}
	}
}
