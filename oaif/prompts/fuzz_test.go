package prompts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/fuzztest"
	"github.com/oaif/oaif/oaif/prompts"
)

// FuzzPrompts: a prompt file is refused in one line that names a line of it, or every record is a
// prompt with text, and the records written anew are the same prompts.
func FuzzPrompts(f *testing.F) {
	for _, text := range []string{
		`{"prompt": "Once"}`,
		"\xef\xbb\xbf{\"prompt\": \"a\"}\r\n\n{\"prompt\": \"b\", \"x\": 1}\n",
		`{"messages": [{"role": "user", "content": "x"}], "topic": "y\n"}`,
		`{"messages": [{"role": "é", "content": ""}, {"role": "user", "content": "\ud800"}]}`,
		`{"messages": [{"role": "a", "content": "b"}], "messages": [{"role": "c"}]}`,
		`{"messages": [{"role": "a", "content": "b"}], "MESSAGES": [{"role": "c"}]}`,
		`{"prompt": "a", "prompt": null}`, `{"pro\nmpt": "a"}`, `{"prompt": 1e999}`,
		"{\"prompt\": \"\xff\"}", "[]", strings.Repeat("[", 20000), "{\"prompt\": \"a\x00\"}",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	shipped, err := filepath.Glob("../../configs/prompts/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range shipped {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text[:min(len(text), 2000)]), false)
	}
	f.Fuzz(func(t *testing.T, text string, chat bool) {
		format := prompts.Format{Chat: chat}
		var all []*oaif.Prompt
		var err error
		fuzztest.Memory(t, len(text), 256, func() {
			all, err = prompts.Read(strings.NewReader(text), "F", format, byteEncoder{})
		})
		fuzztest.OneLine(t, err, oaif.ErrData)
		if err == nil {
			checkPrompts(t, text, all, format)
		}
	})
}

func checkPrompts(t *testing.T, text string, all []*oaif.Prompt, format prompts.Format) {
	t.Helper()
	if lines := strings.Count(text, "\n") + 1; len(all) < 1 || len(all) > lines {
		t.Errorf("%d prompts of %d lines", len(all), lines)
	}
	var plain bytes.Buffer
	for i, p := range all {
		if _, ok := p.Fields["prompt"]; !ok || p.Index != i || len(p.IDs) != len(p.Text) {
			t.Errorf("prompt %d: %+v", i, p)
		}
		if err := json.NewEncoder(&plain).Encode(p.Fields); err != nil {
			t.Fatal(err)
		}
	}
	if format.Chat {
		return // a chat's messages are not among the fields
	}
	again, err := prompts.Read(&plain, "F", format, byteEncoder{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, again); diff != "" {
		t.Errorf("written and read again:\n%s", diff)
	}
}
