package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// decoder rewrites the contents of tokens step by step; joined, they are the text. nil has no
// steps.
type decoder []decodeStep

type decodeStep func(tokens []string) []string

// text joins the rewritten tokens. Without a decoder tokens are words, set apart by spaces.
func (d decoder) text(tokens []string) string {
	if len(d) == 0 {
		return strings.Join(tokens, " ")
	}
	for _, step := range d {
		tokens = step(tokens)
	}
	return strings.Join(tokens, "")
}

func newDecoder(raw json.RawMessage) (decoder, error) {
	c, err := parseComponent(raw)
	if err != nil || c == nil {
		return nil, err
	}
	return c.decoder(nil)
}

// decoder appends the component's steps.
func (c *component) decoder(to decoder) (decoder, error) {
	switch c.Type {
	case "Sequence":
		for i := range c.Decoders {
			var err error
			if to, err = c.Decoders[i].decoder(to); err != nil {
				return nil, err
			}
		}
		return to, nil
	case "ByteLevel":
		return append(to, decodeByteLevel), nil
	case "ByteFallback":
		return append(to, decodeByteFallback), nil
	case "Fuse":
		return append(to, fuse), nil
	case "Replace":
		replace, err := c.replacer()
		return append(to, each(func(_ int, s string) string { return replace(s) })), err
	case "Strip":
		if c.Content == "" {
			return nil, errors.New("a Strip without a content")
		}
		return append(to, each(func(_ int, s string) string {
			return strip(s, c.Content, c.Start, c.Stop)
		})), nil
	case "Metaspace":
		return append(to, c.decodeMetaspace()), nil
	}
	return nil, fmt.Errorf("unknown type %q", c.Type)
}

// each makes a step of a function of one token and its position.
func each(f func(i int, s string) string) decodeStep {
	return func(tokens []string) []string {
		for i, s := range tokens {
			tokens[i] = f(i, s)
		}
		return tokens
	}
}

func fuse(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// strip removes content up to start times from the front and stop times from the back.
func strip(s, content string, start, stop int) string {
	for ; start > 0 && strings.HasPrefix(s, content); start-- {
		s = s[len(content):]
	}
	for ; stop > 0 && strings.HasSuffix(s, content); stop-- {
		s = s[:len(s)-len(content)]
	}
	return s
}

// decodeMetaspace turns the replacement back into a space, except in the first token when encoding
// put one before the text.
func (c *component) decodeMetaspace() decodeStep {
	never := c.PrependScheme == "never" || c.PrependScheme == "" && !or(c.AddPrefixSpace, true)
	return each(func(i int, s string) string {
		if i == 0 && !never {
			return strings.ReplaceAll(s, c.Replacement, "")
		}
		return strings.ReplaceAll(s, c.Replacement, " ")
	})
}
