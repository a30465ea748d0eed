package oaif_test

import (
	"errors"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// TestErrorsAreOneLine: a name out of a file cannot break the line that it stands in.
func TestErrorsAreOneLine(t *testing.T) {
	for msg, want := range map[string]string{
		"model.gguf: is empty":        "model.gguf: is empty",
		"key a\nb\r\tc":               `key a\nb\r\tc`,
		"key \x1b[2J\x00":             `key \x1b[2J\x00`,
		"key \u0085\u2028 é \\n":      `key \u0085\u2028 é \n`,
		"key \xff beside \u007f line": "key \ufffd beside \\x7f line",
	} {
		for kind, err := range map[error]error{
			oaif.ErrData: oaif.DataError(msg), oaif.ErrUsage: oaif.UsageError(msg),
			oaif.ErrInterrupted: oaif.InterruptedError(msg),
		} {
			if !errors.Is(err, kind) || err.Error() != want {
				t.Errorf("%q became %q, want %q", msg, err, want)
			}
		}
	}
}
