package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/engine"
)

// The API's types of errors.
const (
	typeInvalid = "invalid_request_error"
	typeServer  = "server_error"
)

// failure is an answer that is none.
type failure struct {
	status  int
	message string
	kind    string // the API's type
	param   string // the field that is wrong, "" for none
	code    string
	retry   int // seconds after which another try may succeed, 0: none
}

func (f *failure) Error() string { return f.message }

// invalidf says what is wrong with a field of the request.
func invalidf(param, format string, args ...any) *failure {
	text := fmt.Sprintf(format, args...)
	if param != "" {
		text = param + ": " + text
	}
	return &failure{status: http.StatusBadRequest, message: text, kind: typeInvalid, param: param}
}

// busy asks the client to come again.
func busy(text, code string) *failure {
	return &failure{status: http.StatusServiceUnavailable, message: text, kind: typeServer,
		code: code, retry: 1}
}

// failureOf says what an error of the engine, or of the request's context, is to the client.
func failureOf(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, oaif.ErrData):
		return invalidf("", "%v", err)
	case errors.Is(err, engine.ErrFull):
		return busy("so many requests wait already that no other is taken", "queue_full")
	case errors.Is(err, engine.ErrClosed), errors.Is(err, context.Canceled):
		return busy("the server is ending", "ending")
	case errors.Is(err, context.DeadlineExceeded):
		return busy("the request took longer than the server lets one", "timeout")
	}
	return &failure{status: http.StatusInternalServerError, message: err.Error(), kind: typeServer}
}

// body returns the failure as the API writes it.
func (f *failure) body() []byte {
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	type inner struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	// Strings can always be marshalled.
	out, _ := json.Marshal(struct {
		Error inner `json:"error"`
	}{inner{f.message, f.kind, orNull(f.param), orNull(f.code)}})
	return out
}

func (f *failure) write(w http.ResponseWriter) {
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retry))
	}
	writeBody(w, f.status, f.body())
}

// writeBody sends a JSON body. A client that has gone cannot be told.
func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
