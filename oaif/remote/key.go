package remote

import (
	"fmt"
	"os"
	"strings"

	"github.com/oaif/oaif/oaif/annotator"
)

// keyOf reads the key; "" when the endpoint wants none.
func keyOf(e *annotator.Remote) (string, error) {
	if e.KeyEnv == "" {
		return "", nil
	}
	key := strings.TrimSpace(os.Getenv(e.KeyEnv))
	if key == "" {
		return "", fmt.Errorf("remote.key_env: the environment variable %s is empty", e.KeyEnv)
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("remote.key_env: %s holds characters that no key has", e.KeyEnv)
	}
	return key, nil
}
