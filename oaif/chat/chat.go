// Package chat renders messages as the text that a chat model was trained on.
//
// In: a model's Jinja chat template and messages. Out: one string, to be tokenized with the special
// tokens in it recognised and none added. The package knows no tokenizer and no model. It renders
// what transformers renders for the same template (tools and documents not given), except that the
// date is always the same one, so that a run can be repeated. Where the Jinja engine falls short of
// Jinja2 (no format filter, a printed None is empty, \r in a string literal stays as it is) it does
// so in corners that chat templates seldom use.
//
// Errors: a template that does not compile, that cannot be rendered, or that refuses the messages
// by raise_exception gives an oaif.DataError with the template's own words.
package chat

import (
	"fmt"
	"strings"

	"github.com/ardanlabs/jinja"

	"github.com/oaif/oaif/oaif"
)

// Options are the tokens that a template may write. An empty one is undefined in the template.
type Options struct {
	BOS string // bos_token, for example "<|im_start|>"
	EOS string // eos_token
}

// Template is a compiled chat template. It is safe for concurrent use.
type Template struct {
	source   string
	compiled *jinja.Template
	opt      Options
}

// New compiles a chat template. A template that is empty or does not compile is an oaif.DataError.
func New(template string, opt Options) (t *Template, err error) {
	if strings.TrimSpace(template) == "" {
		return nil, oaif.DataError("the chat template is empty")
	}
	defer guard(&err)
	compiled, err := jinja.Compile(normalizeNewlines(template))
	if err != nil {
		return nil, dataError(err)
	}
	return &Template{template, compiled, opt}, nil
}

// Source returns the template as it was given to New.
func (t *Template) Source() string { return t.source }

// Render returns the messages as text. addGenerationPrompt ends it with the beginning of an
// assistant's turn. What the template refuses, for example a role it does not know, is an
// oaif.DataError.
func (t *Template) Render(
	messages []oaif.Message, addGenerationPrompt bool,
) (text string, err error) {
	defer guard(&err)
	text, err = t.compiled.RenderValues(t.context(messages, addGenerationPrompt))
	if err != nil {
		return "", dataError(err)
	}
	return text, nil
}

// context builds the template's variables as ordered values: a Go map would lose the order of keys.
func (t *Template) context(
	messages []oaif.Message, addGenerationPrompt bool,
) map[string]jinja.Value {
	list := make([]jinja.Value, len(messages))
	for i, m := range messages {
		list[i] = jinja.NewDict()
		list[i].AsDict().Set("role", jinja.NewString(m.Role))
		list[i].AsDict().Set("content", jinja.NewString(m.Content))
	}
	vars := map[string]jinja.Value{
		"messages":              jinja.NewList(list),
		"add_generation_prompt": jinja.NewBool(addGenerationPrompt),
		"tools":                 jinja.None(),
		"documents":             jinja.None(),
		"date_string":           jinja.NewString(dateString),
		"strftime_now":          jinja.NewCallable("strftime_now", strftimeNow),
	}
	if t.opt.BOS != "" {
		vars["bos_token"] = jinja.NewString(t.opt.BOS)
	}
	if t.opt.EOS != "" {
		vars["eos_token"] = jinja.NewString(t.opt.EOS)
	}
	return vars
}

// normalizeNewlines does what Jinja2's lexer does before anything else and this engine does not:
// every kind of newline becomes \n, and one at the end is dropped.
func normalizeNewlines(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	return strings.TrimSuffix(s, "\n")
}

func dataError(err error) error {
	line := strings.Join(strings.Fields(err.Error()), " ")
	return oaif.DataError("chat template: " + line)
}

// guard turns a panic of the engine, which a damaged template may cause, into an error.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = dataError(fmt.Errorf("%v", r))
	}
}
