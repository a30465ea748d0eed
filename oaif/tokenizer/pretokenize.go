package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// piece is a part of the text on its way from segment to word.
type piece struct {
	text  string
	first bool // it starts where the whole text starts
}

// preTokenizer cuts a piece into smaller ones, none of them empty, in order.
type preTokenizer func(p piece, emit func(piece))

// newPreTokenizer also reports whether words are spelled in the byte-level alphabet. That step is
// not done on text: the model looks the bytes up directly, which is why ByteLevel must come last.
func newPreTokenizer(raw json.RawMessage) (pre preTokenizer, byteLevel bool, err error) {
	c, err := parseComponent(raw)
	if err != nil {
		return nil, false, err
	}
	var steps []component
	if c != nil {
		steps = flatten(nil, *c)
	}
	for i := range steps {
		if steps[i].Type != "ByteLevel" {
			continue
		}
		if i != len(steps)-1 {
			return nil, false, errors.New("ByteLevel is not the last step")
		}
		byteLevel = true
	}
	pre, err = chain(steps)
	return pre, byteLevel, err
}

// flatten appends c's steps with nested sequences opened up.
func flatten(to []component, c component) []component {
	if c.Type != "Sequence" {
		return append(to, c)
	}
	for _, s := range c.PreTokenizers {
		to = flatten(to, s)
	}
	return to
}

// chain feeds the pieces of each step to the next.
func chain(steps []component) (preTokenizer, error) {
	if len(steps) == 0 {
		return func(p piece, emit func(piece)) {
			if p.text != "" {
				emit(p)
			}
		}, nil
	}
	head, err := steps[0].preTokenizer()
	if err != nil {
		return nil, err
	}
	if len(steps) == 1 {
		return head, nil
	}
	tail, err := chain(steps[1:])
	if err != nil {
		return nil, err
	}
	return func(p piece, emit func(piece)) {
		head(p, func(q piece) { tail(q, emit) })
	}, nil
}

func (c *component) preTokenizer() (preTokenizer, error) {
	switch c.Type {
	case "ByteLevel":
		return c.byteLevel()
	case "Split":
		return c.splitter()
	case "Digits":
		if c.IndividualDigits {
			return cut(scanDigits, isolated), nil
		}
		return cut(scanDigits, contiguous), nil
	case "Metaspace":
		return c.metaspace()
	}
	return nil, fmt.Errorf("unknown type %q", c.Type)
}

func (c *component) byteLevel() (preTokenizer, error) {
	split := cut(scanAll, isolated)
	if or(c.UseRegex, true) {
		split = cut(scanGPT2, isolated)
	}
	if !or(c.AddPrefixSpace, true) {
		return split, nil
	}
	return func(p piece, emit func(piece)) {
		if p.text != "" && p.text[0] != ' ' {
			p.text = " " + p.text
		}
		split(p, emit)
	}, nil
}

func (c *component) splitter() (preTokenizer, error) {
	b, ok := behaviors[c.Behavior]
	if !ok {
		return nil, fmt.Errorf("a Split with unknown behavior %q", c.Behavior)
	}
	if c.Pattern == nil || (c.Pattern.String == nil) == (c.Pattern.Regex == nil) {
		return nil, errors.New("a Split without a pattern")
	}
	scan, err := newScanner(c.Pattern)
	if err != nil {
		return nil, err
	}
	if c.Invert {
		b = inverted(b)
	}
	return cut(scan, b), nil
}

func (c *component) metaspace() (preTokenizer, error) {
	scheme := c.PrependScheme
	if scheme == "" { // files older than prepend_scheme
		scheme = "never"
		if or(c.AddPrefixSpace, true) {
			scheme = "always"
		}
	}
	if scheme != "always" && scheme != "first" && scheme != "never" {
		return nil, fmt.Errorf("a Metaspace with unknown prepend_scheme %q", scheme)
	}
	if c.Replacement == "" {
		return nil, errors.New("a Metaspace without a replacement")
	}
	split := cut(scanAll, isolated)
	if or(c.Split, true) {
		split = cut(scanLiteral(c.Replacement), mergedWithNext)
	}
	return func(p piece, emit func(piece)) {
		p.text = strings.ReplaceAll(p.text, " ", c.Replacement)
		prepend := scheme == "always" || scheme == "first" && p.first
		if prepend && p.text != "" && !strings.HasPrefix(p.text, c.Replacement) {
			p.text = c.Replacement + p.text
		}
		split(p, emit)
	}, nil
}
