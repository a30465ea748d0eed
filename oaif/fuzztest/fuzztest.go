// Package fuzztest holds what the fuzz target of every parser asserts.
//
// In flows what a parser did with an input, out flow failures of the test: an error that is no line
// of the promised kind, and memory that is out of proportion to the input. The package knows no
// parser.
package fuzztest

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// OneLine fails the test if err is not nil and is not one line of the kind, such as oaif.ErrData.
func OneLine(t testing.TB, err, kind error) {
	t.Helper()
	if err != nil && (!errors.Is(err, kind) || strings.ContainsAny(err.Error(), "\n\r\x00\x1b")) {
		t.Errorf("not one line of kind %q: %q", kind, err)
	}
}

// tables are the bytes that a parser may ask for whatever the input is: buffers, compiled patterns.
const tables = 1 << 20

// Memory fails the test if parse asks for more than factor bytes for each byte of its input, beside
// a constant. All that it asks for counts, given back or not, so this bounds its work as well.
func Memory(t testing.TB, input, factor int, parse func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	parse()
	runtime.ReadMemStats(&after)
	if asked := after.TotalAlloc - before.TotalAlloc; asked > uint64(factor*input+tables) {
		t.Errorf("an input of %d bytes asked for %d bytes of memory", input, asked)
	}
}
