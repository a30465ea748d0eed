package prompts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif"
)

// Line is one record of a JSON Lines file.
type Line struct {
	Name   string // the file's name, for messages
	Number int    // 1-based, blank lines counted
	Data   []byte // the line without its end; the caller may keep it
}

// Errorf returns an oaif.DataError that begins with the line's file and number.
func (l Line) Errorf(format string, args ...any) error {
	return oaif.DataError(fmt.Sprintf("%s:%d: %s", l.Name, l.Number, fmt.Sprintf(format, args...)))
}

// Decode unmarshals the line's JSON into v, as encoding/json does. The error is an oaif.DataError
// with file and line, and for broken JSON with the byte.
func (l Line) Decode(v any) error {
	err := json.Unmarshal(l.Data, v)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return l.Errorf("broken JSON at byte %d: %v", syntax.Offset, syntax)
	case errors.As(err, &kind) && kind.Field == "":
		return l.Errorf("%s", mismatch(kind))
	case errors.As(err, &kind):
		return l.Errorf("%q %s", kind.Field, mismatch(kind))
	}
	return l.Errorf("%v", err)
}

// mismatch says what is wrong with a value of another type than is wanted. Package json calls 1e3
// and 1.0, which it takes for no integers, and numbers that are too large for their type all
// "number X".
func mismatch(e *json.UnmarshalTypeError) string {
	kind := e.Type.Kind()
	digits, isNumber := strings.CutPrefix(e.Value, "number ")
	switch {
	case !isNumber || jsonName(kind.String()) != "number":
		return fmt.Sprintf("wants a JSON %s, got %s", jsonName(kind.String()), e.Value)
	case strings.ContainsAny(digits, ".eE") && kind != reflect.Float32 && kind != reflect.Float64:
		return "wants a plain integer, got " + digits
	}
	return "is out of range: " + digits
}

// jsonName returns JSON's word for a Go kind.
func jsonName(kind string) string {
	switch kind {
	case "struct", "map":
		return "object"
	case "slice":
		return "array"
	case "string":
		return "string"
	case "bool":
		return "boolean"
	}
	return "number"
}

// Lines iterates over the records of a JSON Lines text, lines of any length. A byte order mark at
// the start, CRLF line ends, a missing last line end and blank lines are accepted. The first error,
// an oaif.DataError with name and line, ends the iteration: invalid UTF-8, or a read that failed.
func Lines(r io.Reader, name string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		buffered := bufio.NewReaderSize(r, 1<<16)
		for number := 1; ; number++ {
			data, err := buffered.ReadBytes('\n')
			line := Line{Name: name, Number: number}
			if err != nil && err != io.EOF {
				yield(line, line.Errorf("cannot read: %v", err))
				return
			}
			if number == 1 {
				data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
			}
			line.Data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
			if !utf8.Valid(line.Data) {
				yield(line, line.Errorf("invalid UTF-8 at byte %d", invalidAt(line.Data)))
				return
			}
			blank := len(bytes.TrimSpace(line.Data)) == 0
			if !blank && !yield(line, nil) {
				return
			}
			if err == io.EOF {
				return
			}
		}
	}
}

// invalidAt returns the 1-based position of the first byte that is no UTF-8.
func invalidAt(data []byte) int {
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at + 1
}
