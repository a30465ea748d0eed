// Package prompts reads prompt files and puts prompts in order.
//
// A JSON Lines file flows in, and oaif.Prompt values with text and token ids flow out, in file
// order. The package does not know tokenizers or chat templates: an Encoder does both. Every error
// is an oaif.DataError of one line that names the file, and the line where there is one.
package prompts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/oaif/oaif/oaif"
)

// Encoder turns text into the policy's token ids.
type Encoder interface {
	// EncodePrompt returns the ids that the policy is to continue, with the begin token that the
	// model wants; text that begins with that token already, as a chat rendering may, gets no
	// second one.
	EncodePrompt(text string) ([]int32, error)
	// RenderChat returns the chat template's rendering of messages, with the generation prompt.
	RenderChat(messages []oaif.Message) (string, error)
}

// Format says how a record becomes the text that the policy continues.
type Format struct {
	// Template is put around a plain prompt, which replaces {prompt}; "" means the prompt as it is.
	Template string
	// Chat renders records through the chat template, a plain prompt as one user message. Without
	// it, records with messages are refused.
	Chat bool
	// MaxTokens is the largest number of prompt tokens accepted, 0 for no limit: the context less
	// the answer.
	MaxTokens int
	// Check says what is wrong with a record's string fields, "prompt" among them; nil accepts all.
	// An annotator's template may show a field that a record lacks, which is better known at once.
	Check func(fields map[string]string) error
}

// Load reads the prompt file path: one JSON object per line with either "prompt", a string, or
// "messages", a list of {"role", "content"}. Other string fields are kept for annotator templates,
// fields of other types are passed over. A file without records is an error.
func Load(path string, format Format, enc Encoder) ([]*oaif.Prompt, error) {
	file, err := os.Open(path)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, oaif.DataError(fmt.Sprintf("prompt file %s: %v", path, err))
	}
	all, err := Read(file, path, format, enc)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = oaif.DataError(fmt.Sprintf("prompt file %s: %v", path, closeErr))
	}
	return all, err
}

// Read is Load on an open file called name.
func Read(r io.Reader, name string, format Format, enc Encoder) ([]*oaif.Prompt, error) {
	var all []*oaif.Prompt
	for line, err := range Lines(r, name) {
		if err != nil {
			return nil, err
		}
		p, err := parse(line, format, enc)
		if err != nil {
			return nil, err
		}
		p.Index = len(all)
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, oaif.DataError(fmt.Sprintf("prompt file %s: holds no prompts", name))
	}
	return all, nil
}

// parse makes one prompt of one line.
func parse(line Line, format Format, enc Encoder) (*oaif.Prompt, error) {
	fields, messages, err := record(line)
	if err != nil {
		return nil, err
	}
	if format.Check != nil {
		if err := format.Check(fields); err != nil {
			return nil, line.Errorf("%v", err)
		}
	}
	p := &oaif.Prompt{Fields: fields}
	if p.Text, err = render(line, fields["prompt"], messages, format, enc); err != nil {
		return nil, err
	}
	if p.IDs, err = enc.EncodePrompt(p.Text); err != nil {
		return nil, line.Errorf("cannot encode the prompt: %v", err)
	}
	if len(p.IDs) == 0 {
		return nil, line.Errorf("the prompt has no tokens")
	}
	if format.MaxTokens > 0 && len(p.IDs) > format.MaxTokens {
		return nil, line.Errorf("the prompt has %d tokens, %d fit in the context with the answer",
			len(p.IDs), format.MaxTokens)
	}
	return p, nil
}

// render returns the text that the policy continues.
func render(
	line Line, prompt string, messages []oaif.Message, format Format, enc Encoder,
) (string, error) {
	if !format.Chat {
		if messages != nil {
			return "", line.Errorf(`"messages" need the chat template (data.chat = true)`)
		}
		if format.Template == "" {
			return prompt, nil
		}
		return strings.ReplaceAll(format.Template, "{prompt}", prompt), nil
	}
	if messages == nil {
		messages = []oaif.Message{{Role: "user", Content: prompt}}
	}
	text, err := enc.RenderChat(messages)
	if err != nil {
		return "", line.Errorf("cannot render the chat: %v", err)
	}
	return text, nil
}

// record returns a line's string fields, "prompt" always among them, and its messages, nil where it
// has none.
func record(line Line) (map[string]string, []oaif.Message, error) {
	var raw map[string]json.RawMessage
	if err := line.Decode(&raw); err != nil {
		return nil, nil, err
	}
	_, hasPrompt := raw["prompt"]
	turns, hasMessages := raw["messages"]
	if hasPrompt == hasMessages {
		return nil, nil, line.Errorf(`wants either "prompt" or "messages"`)
	}
	fields := map[string]string{}
	for name, value := range raw {
		if value[0] != '"' {
			continue
		}
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return nil, nil, line.Errorf("%q: %v", name, err)
		}
		fields[name] = text
	}
	if hasPrompt {
		if _, ok := fields["prompt"]; !ok {
			return nil, nil, line.Errorf(`"prompt" wants a JSON string`)
		}
		return fields, nil, nil
	}
	messages, err := chatOf(line, turns)
	if err != nil {
		return nil, nil, err
	}
	fields["prompt"] = transcript(messages)
	return fields, messages, nil
}

// chatOf returns the messages of a line whose "messages" are turns. They are decoded by themselves:
// of a line that has them twice, package json would mix the two lists.
func chatOf(line Line, turns json.RawMessage) ([]oaif.Message, error) {
	var chat struct {
		Messages []struct {
			Role    *string `json:"role"`
			Content *string `json:"content"`
		} `json:"messages"`
	}
	line.Data = slices.Concat([]byte(`{"messages":`), turns, []byte("}"))
	if err := line.Decode(&chat); err != nil {
		return nil, err
	}
	if len(chat.Messages) == 0 {
		return nil, line.Errorf(`"messages" is empty`)
	}
	var messages []oaif.Message
	for i, m := range chat.Messages {
		if m.Role == nil || *m.Role == "" || m.Content == nil {
			return nil, line.Errorf(`message %d wants "role" and "content", both strings`, i+1)
		}
		messages = append(messages, oaif.Message{Role: *m.Role, Content: *m.Content})
	}
	return messages, nil
}

// transcript is what an annotator template shows for {prompt}: a lone user message as it is, else
// one paragraph per message, each after its role.
func transcript(messages []oaif.Message) string {
	if len(messages) == 1 && messages[0].Role == "user" {
		return messages[0].Content
	}
	var paragraphs []string
	for _, m := range messages {
		first, size := utf8.DecodeRuneInString(m.Role)
		role := string(unicode.ToUpper(first)) + m.Role[size:]
		paragraphs = append(paragraphs, role+": "+m.Content)
	}
	return strings.Join(paragraphs, "\n\n")
}
