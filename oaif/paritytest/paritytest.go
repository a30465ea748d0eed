// Package paritytest collects what tests found in comparison with reference implementations, for
// the table in docs/parity.md.
//
// In flow rows of tests, out flow lines of JSON, to the file that the environment variable
// OAIF_PARITY_ROWS names; without it nothing is written. The package knows no reference and judges
// nothing: its only errors are those of writing, which fail the test.
package paritytest

import (
	"encoding/json"
	"os"
	"testing"
)

// Row appends a row, which encodes as a JSON object.
func Row(t testing.TB, row any) {
	t.Helper()
	path := os.Getenv("OAIF_PARITY_ROWS")
	if path == "" {
		return
	}
	line, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
