package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
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
	case "NFC":
		return norm.NFC.String, nil
	case "NFD":
		return norm.NFD.String, nil
	case "NFKC":
		return norm.NFKC.String, nil
	case "NFKD":
		return norm.NFKD.String, nil
	case "Prepend":
		return func(s string) string {
			if s == "" {
				return s
			}
			return c.Prepend + s
		}, nil
	case "Replace":
		from, err := c.literal()
		return func(s string) string { return strings.ReplaceAll(s, from, c.Content) }, err
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
