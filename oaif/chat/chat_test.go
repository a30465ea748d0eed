package chat_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/chat"
	"github.com/oaif/oaif/oaif/paritytest"
)

// golden is one line of what Jinja2 answers; see testdata/golden.py.
type golden struct {
	Template, BOS, EOS string
	Messages           [][2]string
	Generate           bool
	Text, Error        string
}

func (g golden) messages() []oaif.Message {
	out := make([]oaif.Message, len(g.Messages))
	for i, m := range g.Messages {
		out[i] = oaif.Message{Role: m[0], Content: m[1]}
	}
	return out
}

func source(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".jinja"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func compile(t *testing.T, source string, opt chat.Options) *chat.Template {
	t.Helper()
	tmpl, err := chat.New(source, opt)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func readGolden(t *testing.T) []golden {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	for line := range bytes.Lines(b) {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

func TestRenderAnswersAsJinja2(t *testing.T) {
	refused := 0
	type count struct{ chats, wrong int }
	counts := map[string]count{}
	for i, g := range readGolden(t) {
		tmpl := compile(t, source(t, g.Template), chat.Options{BOS: g.BOS, EOS: g.EOS})
		text, err := tmpl.Render(g.messages(), g.Generate)
		same := err == nil && text == g.Text
		if g.Error != "" {
			refused++
			same = errors.Is(err, oaif.ErrData) && strings.Contains(err.Error(), g.Error) &&
				text == ""
		}
		n := counts[g.Template]
		n.chats++
		if !same {
			n.wrong++
			t.Errorf("line %d (%s): %q, %v; want %q, the error %q", i+1, g.Template, text, err,
				g.Text, g.Error)
		}
		counts[g.Template] = n
	}
	if refused < 4 {
		t.Errorf("only %d cases where the template refuses the messages", refused)
	}
	for name, n := range counts {
		paritytest.Row(t, map[string]any{"template": name, "chats": n.chats, "wrong": n.wrong})
	}
}

func TestRenderIsSafeForConcurrentUse(t *testing.T) {
	tmpl := compile(t, source(t, "instruct"), chat.Options{EOS: "</s>"})
	messages := []oaif.Message{{Role: "user", Content: "hi"}}
	want, err := tmpl.Render(messages, true)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got, err := tmpl.Render(messages, true); got != want || err != nil {
					t.Errorf("%q, %v; want %q", got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

// Jinja2 reads every kind of newline as \n and drops the last one; so must we, whatever the file
// has.
func TestNewlinesOfTheTemplateDoNotMatter(t *testing.T) {
	messages := []oaif.Message{{Role: "user", Content: "keep\r\nmine"}}
	for _, name := range []string{"chatml", "zephyr", "llama3", "instruct"} {
		unix := source(t, name)
		want, err := compile(t, unix, chat.Options{BOS: "B", EOS: "E"}).Render(messages, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, newline := range []string{"\r\n", "\r"} {
			other := strings.ReplaceAll(unix, "\n", newline)
			tmpl := compile(t, other, chat.Options{BOS: "B", EOS: "E"})
			if got, err := tmpl.Render(messages, true); got != want || err != nil {
				t.Errorf("%s with %q: %q, %v; want %q", name, newline, got, err, want)
			}
			if tmpl.Source() != other {
				t.Errorf("%s: Source is not what New was given", name)
			}
		}
	}
}

func TestUndefinedTokensPrintNothing(t *testing.T) {
	const tmpl = "{{ bos_token }}|{% if eos_token is defined %}yes{% else %}no{% endif %}"
	got, err := compile(t, tmpl, chat.Options{}).Render(nil, false)
	if got != "|no" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestBadTemplatesAreDataErrors(t *testing.T) {
	for _, bad := range []string{
		"", " \n", "{% for m in messages %}", "{{ messages", "{% unknown %}", "{{ 1 + }}",
	} {
		if _, err := chat.New(bad, chat.Options{}); !errors.Is(err, oaif.ErrData) {
			t.Errorf("New(%q): %v", bad, err)
		}
	}
	for _, bad := range []string{
		"{{ messages[0].content | nofilter }}", "{{ nofunction() }}",
		"{{ raise_exception('two\nlines') }}",
		"{{ strftime_now('%Q') }}", "{{ strftime_now() }}",
	} {
		tmpl, err := chat.New(bad, chat.Options{})
		if err == nil {
			_, err = tmpl.Render([]oaif.Message{{Role: "user", Content: "x"}}, true)
		}
		if !errors.Is(err, oaif.ErrData) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestStrftimeNowIsAlwaysTheSameDay(t *testing.T) {
	const tmpl = "{{ strftime_now('%Y-%m-%d %y %b %B %a %A %j %H:%M:%S %I %p 100%% ') }}"
	got, err := compile(t, tmpl, chat.Options{}).Render(nil, false)
	want := "2024-07-26 24 Jul July Fri Friday 208 00:00:00 12 AM 100% "
	if got != want || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
