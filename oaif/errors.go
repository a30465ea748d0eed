package oaif

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// ErrData marks bad input data: a model file, prompt file or run folder that cannot be used (exit
// status 1).
var ErrData = errors.New("bad data")

// ErrUsage marks a command line or configuration that cannot be used (exit status 2).
var ErrUsage = errors.New("bad usage")

// ErrInterrupted is returned when a run stopped early on request and can be resumed.
var ErrInterrupted = errors.New("interrupted")

// ErrUnavailable marks an annotator that cannot be asked any more, its endpoint gone or its budget
// used up: what was done so far holds, and the work can go on later (exit status 1).
var ErrUnavailable = errors.New("annotator unavailable")

// kindError carries one readable line and one of the kinds above; the kind's own text is not
// printed.
type kindError struct {
	msg  string
	kind error
}

func (e *kindError) Error() string { return e.msg }
func (e *kindError) Unwrap() error { return e.kind }

// DataError returns an error for which errors.Is(err, ErrData) holds. Its text is msg as one line:
// control characters, as a name or value out of a file may hold, are written as Go escapes.
func DataError(msg string) error { return &kindError{oneLine(msg), ErrData} }

// UsageError returns an error with the text of msg, as of DataError, for which
// errors.Is(err, ErrUsage) holds.
func UsageError(msg string) error { return &kindError{oneLine(msg), ErrUsage} }

// InterruptedError returns an error with the text of msg, as of DataError, for which
// errors.Is(err, ErrInterrupted) holds.
func InterruptedError(msg string) error { return &kindError{oneLine(msg), ErrInterrupted} }

// UnavailableError returns an error with the text of msg, as of DataError, for which
// errors.Is(err, ErrUnavailable) holds.
func UnavailableError(msg string) error { return &kindError{oneLine(msg), ErrUnavailable} }

// oneLine escapes what would break the line, or repaint the terminal that shows it.
func oneLine(msg string) string {
	if !strings.ContainsFunc(msg, breaksLine) {
		return msg
	}
	var out strings.Builder
	for _, r := range msg {
		if !breaksLine(r) {
			out.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		out.WriteString(quoted[1 : len(quoted)-1])
	}
	return out.String()
}

func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
