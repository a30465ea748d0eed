package tokenizer

import (
	"encoding/json"
	"errors"
	"strings"
)

// component is one normalizer, pre-tokenizer, post-processor or decoder: the union of the options
// of those that this package knows; any other option is refused. Pointers are options whose absence
// means something else than their zero value.
type component struct {
	Type string `json:"type"`

	Normalizers   []component `json:"normalizers"`
	PreTokenizers []component `json:"pretokenizers"`
	Processors    []component `json:"processors"`
	Decoders      []component `json:"decoders"`

	Pattern          *pattern `json:"pattern"`
	Content          string   `json:"content"`
	Prepend          string   `json:"prepend"`
	Behavior         string   `json:"behavior"`
	Invert           bool     `json:"invert"`
	AddPrefixSpace   *bool    `json:"add_prefix_space"`
	UseRegex         *bool    `json:"use_regex"`
	IndividualDigits bool     `json:"individual_digits"`
	Replacement      string   `json:"replacement"`
	PrependScheme    string   `json:"prepend_scheme"`
	Split            *bool    `json:"split"`
	TrimOffsets      *bool    `json:"trim_offsets"` // offsets are not kept here
	StrRep           *string  `json:"str_rep"`      // a second Replacement in old files
	Start            int      `json:"start"`
	Stop             int      `json:"stop"`

	Single        []templatePart           `json:"single"`
	Pair          []templatePart           `json:"pair"` // of two texts: there is always one
	SpecialTokens map[string]templateToken `json:"special_tokens"`
}

// pattern is what a Split or Replace looks for: exactly one of the two.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// parseComponent decodes a raw component; null and absence give nil.
func parseComponent(raw json.RawMessage) (*component, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if err := checkSize(raw); err != nil {
		return nil, err
	}
	var c component
	if err := unmarshal(raw, &c); err != nil {
		return nil, err
	}
	return &c, c.checkGrowth()
}

// replacer returns what puts the component's content in place of its fixed string.
func (c *component) replacer() (func(string) string, error) {
	if c.Pattern == nil || c.Pattern.String == nil || *c.Pattern.String == "" {
		return nil, errors.New("a Replace without a fixed string as its pattern is not supported")
	}
	from := *c.Pattern.String
	return func(s string) string { return strings.ReplaceAll(s, from, c.Content) }, nil
}

// or returns *p, or def when the field is absent.
func or(p *bool, def bool) bool {
	if p == nil {
		return def
	}
	return *p
}
