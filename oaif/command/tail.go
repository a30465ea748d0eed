package command

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// tailBytes are kept of a program's standard error, tailLines of them shown.
const (
	tailBytes = 4096
	tailLines = 5
	shown     = 600 // bytes in an error's text
)

// tail keeps the end of what is written to it. Safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer and never fails, so that the program never waits for it.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[max(0, len(p)-tailBytes):]...)
	if extra := len(t.text) - tailBytes; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

// String returns the last lines as one, quoted; "" when nothing was written.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	last := strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
	if last == "" {
		return ""
	}
	return quote(last, true)
}

// quote escapes text into one line of bounded length, of which it keeps the end or the beginning.
func quote(text string, end bool) string {
	if len(text) <= shown {
		return fmt.Sprintf("%q", text)
	}
	cut := shown
	if end {
		cut = len(text) - shown
	}
	for cut < len(text) && !utf8.RuneStart(text[cut]) {
		cut++
	}
	if end {
		return fmt.Sprintf("...%q", text[cut:])
	}
	return fmt.Sprintf("%q...", text[:cut])
}
