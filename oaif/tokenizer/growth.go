package tokenizer

import (
	"encoding/json"
	"fmt"
)

const (
	// maxComponent is the most bytes of a component; those that are known have a few thousand.
	maxComponent = 1 << 16
	// maxGrowth is how many times as long as before a component may make a text, or the number of
	// tokens that it puts around one. Without a limit thirty small replacements would double a text
	// thirty times.
	maxGrowth = 256
)

// checkSize refuses a component that would take much memory to read.
func checkSize(raw json.RawMessage) error {
	if len(raw) <= maxComponent {
		return nil
	}
	var c struct{ Type string }
	_ = json.Unmarshal(raw, &c) // the name is all that it is for
	return fmt.Errorf("type %q of %d bytes is not supported, the limit is %d", c.Type, len(raw),
		maxComponent)
}

// checkGrowth refuses a component that makes much of little.
func (c *component) checkGrowth() error {
	if c.growth() > maxGrowth {
		return fmt.Errorf("type %q makes a text more than %d times as long", c.Type, maxGrowth)
	}
	return nil
}

// growth bounds the length of what c makes of a text of length 1; above maxGrowth it is any number.
func (c *component) growth() int {
	switch c.Type {
	case "Sequence":
		product := 1
		for _, list := range [][]component{
			c.Normalizers, c.PreTokenizers, c.Decoders, c.Processors,
		} {
			for i := range list {
				product = min(product*list[i].growth(), maxGrowth+1)
			}
		}
		return product
	case "Prepend":
		return min(1+len(c.Prepend), maxGrowth+1)
	case "Replace":
		from := 1
		if c.Pattern != nil && c.Pattern.String != nil {
			from = max(1, len(*c.Pattern.String))
		}
		return min(1+len(c.Content)/from, maxGrowth+1)
	case "Metaspace":
		return min(1+len(c.Replacement), maxGrowth+1)
	case "TemplateProcessing":
		ids := 1
		for _, p := range c.Single {
			if p.SpecialToken != nil {
				ids += len(c.SpecialTokens[p.SpecialToken.ID].IDs)
			}
		}
		return min(ids, maxGrowth+1)
	}
	return 1
}
