package chat_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/chat"
	"github.com/oaif/oaif/oaif/fuzztest"
)

// unbounded finds what lets a short template ask for any amount of time or memory, or call itself
// until the stack is full: the engine puts no limit to these.
var unbounded = regexp.MustCompile(
	`range|macro|call|recursive|\*|center|indent|batch|slice|replace|join`)

// oddTemplates are wrong, or right in a corner.
var oddTemplates = []string{
	"{{ raise_exception('two\nlines\x1b') }}", "{% for m in messages %}{{ m['content'] }}",
	"{{ messages[0].content | upper | trim }}", "{{ strftime_now('%d\r') }}", "{# {{ #}{{ 1 }}",
	"{% set x = namespace(a=1) %}{% if x.a is defined %}{{ x.a ~ bos_token }}{% endif %}",
	"{{ messages[-1:][0]['role'] if messages else 'x' }}", "{%- generation -%}", "{{ {1: [2}",
	"{{ \"\\u00e9\\n\" }}", "{{ " + strings.Repeat("(", 500),
	"{% if " + strings.Repeat("not ", 99),
}

// FuzzTemplate: a template is refused in one line, or it refuses the messages in one line, or it
// renders them, and the same ones again to the same text.
func FuzzTemplate(f *testing.F) {
	found, err := filepath.Glob("testdata/*.jinja")
	if err != nil || len(found) == 0 {
		f.Fatal(found, err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "Hello\n")
	}
	for _, text := range oddTemplates {
		f.Add(text, "x")
	}
	f.Fuzz(func(t *testing.T, text, content string) {
		var tmpl *chat.Template
		var err error
		fuzztest.Memory(t, len(text), 1024, func() {
			tmpl, err = chat.New(text, chat.Options{BOS: "<s>"})
		})
		fuzztest.OneLine(t, err, oaif.ErrData)
		if err != nil || unbounded.MatchString(text) || strings.Count(text, "for") > 4 {
			return
		}
		messages := []oaif.Message{{Role: "user", Content: content}, {Role: "assistant"}}
		once, err := tmpl.Render(messages, true)
		fuzztest.OneLine(t, err, oaif.ErrData)
		again, errAgain := tmpl.Render(messages, true)
		if once != again || (err == nil) != (errAgain == nil) {
			t.Errorf("%q, %v, then %q, %v", once, err, again, errAgain)
		}
	})
}
