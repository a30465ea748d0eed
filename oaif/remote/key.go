package remote

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
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

// hide takes the key out of an answer that an endpoint may have put it into: answers are stored,
// and quoted in reasons and errors.
func (k *key) hide(answer []byte) []byte {
	if k.text == "" {
		return answer
	}
	return bytes.ReplaceAll(answer, []byte(k.text), []byte("[key]"))
}
