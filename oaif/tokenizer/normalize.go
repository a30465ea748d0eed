package tokenizer

import (
	"encoding/json"
	"fmt"
)

// normalizer rewrites one segment of text between added tokens.
type normalizer func(string) string

func newNormalizer(raw json.RawMessage) (normalizer, error) {
	c, err := parseComponent(raw)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return func(s string) string { return s }, nil
	}
	return c.normalizer()
}

func (c *component) normalizer() (normalizer, error) {
	switch c.Type {
	case "Sequence":
		return c.normalizers()
	case "NFC", "NFD", "NFKC", "NFKD":
		return forms[c.Type].normalize, nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return c.Prepend + s
		}, nil
	case "Replace":
		return c.replacer()
	}
	return nil, fmt.Errorf("unknown type %q", c.Type)
}

func (c *component) normalizers() (normalizer, error) {
	var all []normalizer
	for i := range c.Normalizers {
		n, err := c.Normalizers[i].normalizer()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return func(s string) string {
		for _, n := range all {
			s = n(s)
		}
		return s
	}, nil
}
