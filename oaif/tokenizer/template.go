package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// template is what EncodeSpecial puts around the ids of a text.
type template struct{ before, after []int32 }

// templatePart is one element of a TemplateProcessing: a special token by name, or the text.
type templatePart struct {
	SpecialToken *templateName `json:"SpecialToken"`
	Sequence     *templateName `json:"Sequence"`
}

type templateName struct {
	ID   string `json:"id"`
	Kind int    `json:"type_id"` // for models that tell two texts apart
}

// templateToken gives the ids of a special token that a TemplateProcessing names.
type templateToken struct {
	ID     string   `json:"id"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

func newTemplate(raw json.RawMessage) (template, error) {
	var t template
	c, err := parseComponent(raw)
	if err != nil || c == nil {
		return t, err
	}
	return t, c.template(&t)
}

// template adds the component's tokens outside of those that are there. ByteLevel changes offsets
// only.
func (c *component) template(t *template) error {
	switch c.Type {
	case "ByteLevel":
		return nil
	case "Sequence":
		for i := range c.Processors {
			if err := c.Processors[i].template(t); err != nil {
				return err
			}
		}
		return nil
	case "TemplateProcessing":
		return c.single(t)
	}
	return fmt.Errorf("unknown type %q", c.Type)
}

func (c *component) single(t *template) error {
	var before, after []int32
	texts := 0
	for _, p := range c.Single {
		switch {
		case p.Sequence != nil && p.SpecialToken == nil:
			texts++
		case p.SpecialToken != nil && p.Sequence == nil:
			token, ok := c.SpecialTokens[p.SpecialToken.ID]
			if !ok {
				return fmt.Errorf("TemplateProcessing does not say which ids %q has",
					p.SpecialToken.ID)
			}
			if texts == 0 {
				before = append(before, token.IDs...)
			} else {
				after = append(after, token.IDs...)
			}
		default:
			return errors.New("TemplateProcessing has a part that is neither token nor text")
		}
	}
	if texts != 1 {
		return fmt.Errorf("TemplateProcessing has the text %d times, not once", texts)
	}
	t.before = append(before, t.before...)
	t.after = append(t.after, after...)
	return nil
}
