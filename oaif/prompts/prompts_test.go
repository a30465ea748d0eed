package prompts_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
)

// byteEncoder gives one id per byte and a readable chat rendering.
type byteEncoder struct{}

func (byteEncoder) EncodePrompt(text string) ([]int32, error) {
	if strings.Contains(text, "unencodable") {
		return nil, errors.New("no such token")
	}
	var ids []int32
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids, nil
}

func (byteEncoder) RenderChat(messages []oaif.Message) (string, error) {
	var text strings.Builder
	for _, m := range messages {
		if m.Role == "robot" {
			return "", errors.New("unknown role")
		}
		fmt.Fprintf(&text, "<%s>%s", m.Role, m.Content)
	}
	return text.String() + "<assistant>", nil
}

func readAll(t *testing.T, text string, format prompts.Format) []*oaif.Prompt {
	t.Helper()
	all, err := prompts.Read(strings.NewReader(text), "F", format, byteEncoder{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPlainPrompts(t *testing.T) {
	text := "{\"prompt\":\"ab\"}\n\n" +
		"{\"prompt\": \"c\", \"title\": \"T\\u00fc\", \"n\": 3, \"x\": null}\n"
	got := readAll(t, text, prompts.Format{Template: "R: {prompt}"})
	want := []*oaif.Prompt{
		{Index: 0, Text: "R: ab", IDs: []int32{'R', ':', ' ', 'a', 'b'},
			Fields: map[string]string{"prompt": "ab"}},
		{Index: 1, Text: "R: c", IDs: []int32{'R', ':', ' ', 'c'},
			Fields: map[string]string{"prompt": "c", "title": "Tü"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	bare := readAll(t, `{"prompt":"{prompt} x"}`, prompts.Format{})[0]
	if bare.Text != "{prompt} x" {
		t.Errorf("a prompt without template became %q", bare.Text)
	}
}

func TestChatPrompts(t *testing.T) {
	tests := []struct{ record, text, prompt string }{
		{`{"messages":[{"role":"user","content":"Hi"}]}`, "<user>Hi<assistant>", "Hi"},
		{`{"prompt":"Hi"}`, "<user>Hi<assistant>", "Hi"},
		{`{"messages":[{"role":"system","content":"Be brief."},` +
			`{"role":"user","content":"Hi"}],"k":"v"}`,
			"<system>Be brief.<user>Hi<assistant>", "System: Be brief.\n\nUser: Hi"},
		{`{"messages":[{"role":"user","content":""}]}`, "<user><assistant>", ""},
		{`{"messages":[{"role":"system","content":"no"}],"messages":[{"role":"user",` +
			`"content":"Hi"}],"MESSAGES":[{"role":"system"}]}`, "<user>Hi<assistant>", "Hi"},
	}
	for _, test := range tests {
		got := readAll(t, test.record, prompts.Format{Chat: true})[0]
		if got.Text != test.text || got.Fields["prompt"] != test.prompt {
			t.Errorf("%s:\n text %q, want %q\n prompt field %q, want %q",
				test.record, got.Text, test.text, got.Fields["prompt"], test.prompt)
		}
	}
}

func wantsTitle(fields map[string]string) error {
	if fields["title"] == "" {
		return errors.New("no title")
	}
	return nil
}

func TestBadRecords(t *testing.T) {
	chat := prompts.Format{Chat: true}
	titled := prompts.Format{Check: wantsTitle}
	tests := []struct {
		format     prompts.Format
		line, want string
	}{
		{chat, `{"prompt":"x"`, "F:2: broken JSON at byte 13: unexpected end of JSON input"},
		{chat, `"x"`, "F:2: wants a JSON object, got string"},
		{chat, `null`, `F:2: wants either "prompt" or "messages"`},
		{chat, `{"Prompt":"x"}`, `F:2: wants either "prompt" or "messages"`},
		{chat, `{"prompt":"x","messages":[]}`, `F:2: wants either "prompt" or "messages"`},
		{chat, `{"prompt":null}`, `F:2: "prompt" wants a JSON string`},
		{chat, `{"prompt":["x"]}`, `F:2: "prompt" wants a JSON string`},
		{chat, `{"messages":[]}`, `F:2: "messages" is empty`},
		{chat, `{"messages":null}`, `F:2: "messages" is empty`},
		{chat, `{"messages":"x"}`, `F:2: "messages" wants a JSON array, got string`},
		{chat, `{"messages":[{"role":"user"}]}`,
			`F:2: message 1 wants "role" and "content", both strings`},
		{chat, `{"messages":[{"role":"user","content":"x"}],"messages":[{"role":"user"}]}`,
			`F:2: message 1 wants "role" and "content", both strings`},
		{chat, `{"messages":[{"role":"","content":"x"}]}`,
			`F:2: message 1 wants "role" and "content", both strings`},
		{chat, `{"messages":[{"role":"robot","content":"x"}]}`,
			"F:2: cannot render the chat: unknown role"},
		{prompts.Format{}, `{"messages":[{"role":"user","content":"x"}]}`,
			`F:2: "messages" need the chat template (data.chat = true)`},
		{prompts.Format{}, `{"prompt":"unencodable"}`,
			"F:2: cannot encode the prompt: no such token"},
		{prompts.Format{}, `{"prompt":""}`, "F:2: the prompt has no tokens"},
		{prompts.Format{MaxTokens: 3}, `{"prompt":"abcd"}`,
			"F:2: the prompt has 4 tokens, 3 fit in the context with the answer"},
		{titled, `{"prompt":"x","title":2}`, "F:2: no title"},
	}
	for _, test := range tests {
		_, err := prompts.Read(
			strings.NewReader("{\"prompt\":\"ok\",\"title\":\"ok\"}\n"+test.line),
			"F", test.format, byteEncoder{})
		if err == nil || err.Error() != test.want || !errors.Is(err, oaif.ErrData) {
			t.Errorf("%s:\n got %v\nwant %s", test.line, err, test.want)
		}
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.jsonl")
	_, err := prompts.Load(path, prompts.Format{}, byteEncoder{})
	if want := "prompt file " + path + ": no such file or directory"; err == nil ||
		err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for text, want := range map[string]string{
		"\n":                    "prompt file " + path + ": holds no prompts",
		"{\"prompt\":\"a\"}\n{": path + ":2: broken JSON at byte 1: unexpected end of JSON input",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := prompts.Load(path, prompts.Format{}, byteEncoder{})
		if err == nil || err.Error() != want || !errors.Is(err, oaif.ErrData) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
