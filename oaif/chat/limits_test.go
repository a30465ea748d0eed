package chat_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/chat"
)

// refused renders an unknown template that must come to a clear end.
func refused(t *testing.T, source, want string) {
	t.Helper()
	messages := []oaif.Message{{Role: "user", Content: "hello"}}
	tmpl, err := chat.New(source, chat.Options{})
	if err == nil {
		_, err = tmpl.Render(messages, true)
	}
	if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), want) ||
		!strings.HasPrefix(err.Error(), "chat template: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%.60s: %v, want %q in it", source, err, want)
	}
}

func TestEndlessTemplateIsEnded(t *testing.T) {
	defer chat.SetLimits(200*time.Millisecond, 64<<20)()
	refused(t, "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}"+
		"{% endfor %}{% endfor %}{% endfor %}", "200ms of processor time")
}

func TestExplodingTemplatesAreEnded(t *testing.T) {
	defer chat.SetLimits(time.Minute, 64<<20)()
	tooLong := strings.Repeat("x", 1<<20+1)
	for source, want := range map[string]string{
		"{% set ns = namespace(s='xx') %}{% for i in range(60) %}" +
			"{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}": "memory",
		"{{ range(99999999999) }}":                                                "memory",
		"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}":                         "nests too deep",
		"{{ " + strings.Repeat("(", 400000) + "1 }}":                              "nests too deep",
		"{% set l = [] %}{% set x = l.append(l) %}{{ l }}":                        "",
		"{% for i in range(4300) %}" + strings.Repeat("x", 1000) + "{% endfor %}": "4 MiB",
		tooLong: "longer than 1 MiB",
	} {
		refused(t, source, want)
	}
}

// After a template was ended, others are rendered all the same.
func TestRenderingGoesOnAfterAnEnd(t *testing.T) {
	tmpl := compile(t, "{{ messages[0].content }}!", chat.Options{})
	for range 2 {
		refused(t, "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "nests too deep")
		got, err := tmpl.Render([]oaif.Message{{Role: "user", Content: "a\xffb"}}, false)
		if got != "a\xffb!" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestTemplatesCannotReadFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("a secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{
		"{% include '" + path + "' %}", "{% extends '" + path + "' %}",
		"{% import '" + path + "' as s %}{{ s }}", "{% from '" + path + "' import x %}{{ x }}",
	} {
		refused(t, source, "")
	}
}

// Both ways of rendering give the same: a known template's text with a comment is unknown.
func TestKnownTemplateRendersTheSameUnderLimits(t *testing.T) {
	source := source(t, "smollm2")
	opt := chat.Options{BOS: "<|im_start|>", EOS: "<|im_end|>"}
	known, unknown := compile(t, source, opt), compile(t, "{# unknown #}"+source, opt)
	if known.Name() != "SmolLM2-Instruct" || unknown.Name() != "" {
		t.Errorf("the templates are %q and %q", known.Name(), unknown.Name())
	}
	for _, g := range readGolden(t) {
		want, err1 := known.Render(g.messages(), g.Generate)
		got, err2 := unknown.Render(g.messages(), g.Generate)
		if got != want || (err1 == nil) != (err2 == nil) {
			t.Errorf("%q, %v; want %q, %v", got, err2, want, err1)
		}
	}
}
