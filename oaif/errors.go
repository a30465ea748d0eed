package oaif

import "errors"

// ErrData marks bad input data: a model file, prompt file or run folder that cannot be used (exit
// status 1).
var ErrData = errors.New("bad data")

// ErrUsage marks a command line or configuration that cannot be used (exit status 2).
var ErrUsage = errors.New("bad usage")

// ErrInterrupted is returned when a run stopped early on request and can be resumed.
var ErrInterrupted = errors.New("interrupted")

// kindError carries one readable line and one of the kinds above; the kind's own text is not
// printed.
type kindError struct {
	msg  string
	kind error
}

func (e *kindError) Error() string { return e.msg }
func (e *kindError) Unwrap() error { return e.kind }

// DataError returns an error with the one-line text msg for which errors.Is(err, ErrData) holds.
func DataError(msg string) error { return &kindError{msg, ErrData} }

// UsageError returns an error with the one-line text msg for which errors.Is(err, ErrUsage) holds.
func UsageError(msg string) error { return &kindError{msg, ErrUsage} }

// InterruptedError returns an error with the one-line text msg for which
// errors.Is(err, ErrInterrupted) holds.
func InterruptedError(msg string) error { return &kindError{msg, ErrInterrupted} }
