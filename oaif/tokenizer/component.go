package tokenizer

import (
	"encoding/json"
	"fmt"
)

// component is one normalizer, pre-tokenizer, post-processor or decoder: the union of the fields of
// those that this package knows. Pointers are fields whose absence means something else than their
// zero value.
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
	Start            int      `json:"start"`
	Stop             int      `json:"stop"`

	Single        []templatePart           `json:"single"`
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
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	return &c, c.checkGrowth()
}

// literal returns the fixed string that the component looks for.
func (c *component) literal() (string, error) {
	if c.Pattern == nil || c.Pattern.String == nil || *c.Pattern.String == "" {
		return "", fmt.Errorf("%s without a fixed string as its pattern is not supported", c.Type)
	}
	return *c.Pattern.String, nil
}

// or returns *p, or def when the field is absent.
func or(p *bool, def bool) bool {
	if p == nil {
		return def
	}
	return *p
}
