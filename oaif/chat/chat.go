// Package chat renders messages as the text that a chat model was trained on.
//
// In: a model's Jinja chat template and messages. Out: one string, to be tokenized with the special
// tokens in it recognised and none added. The package knows no tokenizer and no model. It renders
// what transformers renders for the same template (tools and documents not given), except that the
// date is always the same one, so that a run can be repeated. Where the Jinja engine falls short of
// Jinja2 (no format filter, a printed None is empty, \r in a string literal stays as it is) it does
// so in corners that chat templates seldom use.
//
// A template is a program that comes with a model. Those known by the hash of their text run in
// this process; any other runs in one of its own, which ends when it takes too much time or memory.
// No template can read a file: nothing is included, imported or extended.
//
// Errors: a template that does not compile, that cannot be rendered, or that refuses the messages
// by raise_exception gives an oaif.DataError with the template's own words.
package chat

import (
	"crypto/sha256"
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

// Template is a chat template that compiles. It is safe for concurrent use.
type Template struct {
	source   string
	opt      Options
	compiled *jinja.Template // of a known template; the others are compiled where they are rendered
}

// New compiles a chat template. A template that is empty or does not compile is an oaif.DataError.
func New(template string, opt Options) (*Template, error) {
	if strings.TrimSpace(template) == "" {
		return nil, oaif.DataError("the chat template is empty")
	}
	t := &Template{source: template, opt: opt}
	var err error
	if t.Name() == "" {
		_, err = apart.do(request{Source: template, Options: opt})
	} else {
		t.compiled, err = compile(template)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Source returns the template as it was given to New.
func (t *Template) Source() string { return t.source }

// Name returns the name under which the template's text is known to this package, "" for one that
// is not. A newline more or less at the end makes no difference.
func (t *Template) Name() string {
	return known[sha256.Sum256([]byte(normalizeNewlines(t.source)))]
}

// Render returns the messages as text. addGenerationPrompt ends it with the beginning of an
// assistant's turn. What the template refuses, for example a role it does not know, and what goes
// beyond the limits of an unknown template is an oaif.DataError.
func (t *Template) Render(messages []oaif.Message, addGenerationPrompt bool) (string, error) {
	if t.compiled != nil {
		return render(t.compiled, t.opt, messages, addGenerationPrompt)
	}
	return apart.do(request{
		Source: t.source, Options: t.opt, Render: true, Messages: messages,
		Generate: addGenerationPrompt,
	})
}

func compile(source string) (t *jinja.Template, err error) {
	defer guard(&err)
	if t, err = jinja.Compile(normalizeNewlines(source)); err != nil {
		return nil, dataError(err)
	}
	return t, nil
}

func render(
	t *jinja.Template, opt Options, messages []oaif.Message, generate bool,
) (text string, err error) {
	defer guard(&err)
	if text, err = t.RenderValues(opt.context(messages, generate)); err != nil {
		return "", dataError(err)
	}
	return text, nil
}

// context builds the template's variables as ordered values: a Go map would lose the order of keys.
func (o Options) context(messages []oaif.Message, generate bool) map[string]jinja.Value {
	list := make([]jinja.Value, len(messages))
	for i, m := range messages {
		list[i] = jinja.NewDict()
		list[i].AsDict().Set("role", jinja.NewString(m.Role))
		list[i].AsDict().Set("content", jinja.NewString(m.Content))
	}
	vars := map[string]jinja.Value{
		"messages":              jinja.NewList(list),
		"add_generation_prompt": jinja.NewBool(generate),
		"tools":                 jinja.None(),
		"documents":             jinja.None(),
		"date_string":           jinja.NewString(dateString),
		"strftime_now":          jinja.NewCallable("strftime_now", strftimeNow),
	}
	if o.BOS != "" {
		vars["bos_token"] = jinja.NewString(o.BOS)
	}
	if o.EOS != "" {
		vars["eos_token"] = jinja.NewString(o.EOS)
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
