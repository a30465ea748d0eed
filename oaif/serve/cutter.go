package serve

import (
	"strings"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif/tokenizer"
)

// cutter turns the bytes of one token after the other into text that can be shown: whole
// characters, up to the first stop string, and nothing that may yet become the beginning of one.
type cutter struct {
	stops   []string
	raw     []byte // of a character that is not whole yet
	held    string // text that is not shown yet
	shown   int    // bytes of text that were
	runes   int    // characters that were, and those held
	stopped bool   // a stop string was met
}

// start returns where the next token's text begins: in bytes, and in characters.
func (c *cutter) start() (bytes, runes int) {
	return c.shown + len(c.held) + len(c.raw), c.runes
}

// add takes a token's bytes and returns the text that can be shown now.
func (c *cutter) add(b []byte) string {
	c.raw = append(c.raw, b...)
	n := whole(c.raw)
	c.hold(c.raw[:n])
	c.raw = append([]byte(nil), c.raw[n:]...)
	end := c.cut()
	if !c.stopped {
		end -= c.begun()
	}
	return c.show(end)
}

// end returns the text that was held back, when no more tokens come.
func (c *cutter) end() string {
	c.hold(c.raw)
	c.raw = nil
	return c.show(c.cut())
}

func (c *cutter) hold(b []byte) {
	text := tokenizer.ValidUTF8(b)
	c.held += text
	c.runes += utf8.RuneCountInString(text)
}

func (c *cutter) show(end int) string {
	text := c.held[:end]
	c.held = c.held[end:]
	if c.stopped {
		c.held, c.raw = "", nil
	}
	c.shown += end
	return text
}

// cut returns how much of the held text comes before the first stop string.
func (c *cutter) cut() int {
	end := len(c.held)
	for _, stop := range c.stops {
		if at := strings.Index(c.held, stop); at >= 0 {
			end, c.stopped = min(end, at), true
		}
	}
	return end
}

// begun returns how much of the held text's end may be the beginning of a stop string.
func (c *cutter) begun() int {
	longest := 0
	for _, stop := range c.stops {
		for n := min(len(stop)-1, len(c.held)); n > longest; n-- {
			if strings.HasSuffix(c.held, stop[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// whole returns how many bytes, from the first, are no beginning of a character that goes on.
func whole(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if at := len(b) - n; utf8.RuneStart(b[at]) {
			if utf8.FullRune(b[at:]) {
				break
			}
			return at
		}
	}
	return len(b)
}
