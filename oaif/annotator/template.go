package annotator

import (
	"errors"
	"fmt"
	"strings"
)

// template is a prompt text with {field} places; "{{" and "}}" stand for single braces. Field
// values are put in as they are: braces inside them mean nothing.
type template struct {
	parts []part
}

// part is one stretch of a template: literal text, or the name of a field when field is not "".
type part struct {
	text, field string
}

// unknownField says that a prompt record lacks a field that a template shows.
type unknownField struct{ name string }

func (e *unknownField) Error() string { return fmt.Sprintf("no field %q", e.name) }

// parseTemplate splits text at its fields. A brace that opens or closes nothing is an error.
func parseTemplate(text string) (*template, error) {
	t := &template{}
	var literal strings.Builder
	for rest := text; rest != ""; {
		switch i := strings.IndexAny(rest, "{}"); {
		case i < 0:
			literal.WriteString(rest)
			rest = ""
		case strings.HasPrefix(rest[i:], "{{"), strings.HasPrefix(rest[i:], "}}"):
			literal.WriteString(rest[:i+1])
			rest = rest[i+2:]
		case rest[i] == '}':
			return nil, errors.New("a single \"}\" closes nothing; write \"}}\" for the character")
		default:
			literal.WriteString(rest[:i])
			end := strings.IndexAny(rest[i+1:], "{}\n")
			if end < 1 || rest[i+1+end] != '}' {
				return nil, errors.New(
					"a single \"{\" opens no {field}; write \"{{\" for the character")
			}
			t.parts = append(t.parts, part{text: literal.String()},
				part{field: rest[i+1 : i+1+end]})
			literal.Reset()
			rest = rest[i+1+end+1:]
		}
	}
	t.parts = append(t.parts, part{text: literal.String()})
	return t, nil
}

// uses says whether the template shows field.
func (t *template) uses(field string) bool {
	for _, p := range t.parts {
		if p.field == field {
			return true
		}
	}
	return false
}

// render fills the fields in. Names in answers win over the record's fields of the same name. A
// field that neither has is an *unknownField error.
func (t *template) render(answers, record map[string]string) (string, error) {
	var out strings.Builder
	for _, p := range t.parts {
		out.WriteString(p.text)
		if p.field == "" {
			continue
		}
		value, ok := answers[p.field]
		if !ok {
			value, ok = record[p.field]
		}
		if !ok {
			return "", &unknownField{p.field}
		}
		out.WriteString(value)
	}
	return out.String(), nil
}
