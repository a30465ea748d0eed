package remote

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/oaif/oaif/oaif/annotator"
)

// key is what an endpoint knows us by; "" when it wants none.
type key struct{ text string }

// keyOf reads the key from the environment.
func keyOf(e *annotator.Remote) (*key, error) {
	if e.KeyEnv == "" {
		return &key{}, nil
	}
	text := strings.TrimSpace(os.Getenv(e.KeyEnv))
	if text == "" {
		return nil, fmt.Errorf("remote.key_env: the environment variable %s is empty", e.KeyEnv)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("remote.key_env: %s holds characters that no key has", e.KeyEnv)
	}
	return &key{text}, nil
}

// put puts the key into a request's header.
func (k *key) put(h http.Header) {
	if k.text != "" {
		h.Set("Authorization", "Bearer "+k.text)
	}
}

// shortestSecret is the length of the shortest key that is looked for. What is shorter is a word
// that is there for form's sake, such as "EMPTY", and may be part of an honest answer.
const shortestSecret = 8

// inPlace stands where a key was.
const inPlace = "[key]"

// hide takes the key out of an answer that an endpoint may have put it into, in any spelling that
// JSON has: answers are stored, and quoted in reasons and errors.
func (k *key) hide(answer []byte) []byte {
	if len(k.text) < shortestSecret {
		return answer
	}
	answer = bytes.ReplaceAll(answer, []byte(k.text), []byte(inPlace))
	if !bytes.ContainsRune(answer, '\\') {
		return answer
	}
	return escaped.ReplaceAllFunc(answer, func(word []byte) []byte {
		var text string
		if json.Unmarshal(word, &text) != nil || !strings.Contains(text, k.text) {
			return word
		}
		hidden, err := json.Marshal(strings.ReplaceAll(text, k.text, inPlace))
		if err != nil {
			return []byte(`"` + inPlace + `"`)
		}
		return hidden
	})
}

// escaped finds strings of JSON with an escape in them.
var escaped = regexp.MustCompile(`"[^"\\]*(?:\\.[^"\\]*)+"`)

// hideIn takes the key out of the text of an error: some quote what the other side has sent.
func (k *key) hideIn(err error) error {
	if err == nil || len(k.text) < shortestSecret || !strings.Contains(err.Error(), k.text) {
		return err
	}
	return &failure{text: strings.ReplaceAll(err.Error(), k.text, inPlace)}
}
