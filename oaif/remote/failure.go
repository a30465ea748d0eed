package remote

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failure is why one request had no usable answer.
type failure struct {
	text string
	// after is how long the endpoint asks to be left alone; 0 when it does not say.
	after time.Duration
	// broken says that there was an answer, and that it cannot be used.
	broken bool
	// final says that asking again would not help.
	final bool
	// refused says that the endpoint does not take this request, broken being true too.
	refused bool
}

func (f *failure) Error() string { return f.text }

func brokenf(format string, args ...any) *failure {
	return &failure{text: fmt.Sprintf(format, args...), broken: true}
}

// refused is the failure of an answer with a status other than 200; message is the endpoint's own.
func refused(status int, header http.Header, message string, now time.Time) *failure {
	f := &failure{text: fmt.Sprintf("status %d", status), after: retryAfter(header, now)}
	if message != "" {
		f.text += ": " + message
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		// Others are taken, as was found out at the start: this one is too long, say, or a filter
		// objects to it. Asking it first whenever a run is resumed would end that every time.
		f.broken, f.final, f.refused = true, true, true
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly,
		http.StatusTooManyRequests:
	default:
		f.final = status < http.StatusInternalServerError || status == http.StatusNotImplemented
	}
	return f
}

// retryAfter reads the pause that an endpoint asks for: milliseconds, seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil {
		return bounded(ms * float64(time.Millisecond))
	}
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return bounded(seconds * float64(time.Second))
	}
	if date, err := http.ParseTime(text); err == nil {
		return bounded(float64(date.Sub(now)))
	}
	return 0
}

// longestPause is the most that an endpoint can make us wait at a time.
const longestPause = 2 * time.Minute

func bounded(d float64) time.Duration {
	if !(d > 0) {
		return 0
	}
	return time.Duration(min(d, float64(longestPause)))
}

// asFailure returns err as a failure, one that may pass if it is not one: a connection that was
// refused or cut, a time-out.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{text: err.Error()}
}
