package serve

import (
	"encoding/json"
	"fmt"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/engine"
)

// chatBody is the body of /v1/chat/completions.
type chatBody struct {
	common
	Messages            []json.RawMessage `json:"messages"`
	MaxCompletionTokens *int              `json:"max_completion_tokens"`
	Logprobs            bool              `json:"logprobs"`
	TopLogprobs         *int              `json:"top_logprobs"`
}

// message is one turn.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// part is one part of a turn's content.
type part struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// readChat reads the body of /v1/chat/completions.
func (s *Server) readChat(data []byte) (*asked, *failure) {
	var body chatBody
	if f := decode(data, "", ignoredKeys, &body); f != nil {
		return nil, f
	}
	if body.MaxCompletionTokens != nil {
		if body.MaxTokens != nil && *body.MaxTokens != *body.MaxCompletionTokens {
			return nil, invalidf("max_tokens", "is another one than max_completion_tokens")
		}
		body.MaxTokens = body.MaxCompletionTokens
	}
	a, f := body.settings(s.opt.Name, -1)
	if f != nil {
		return nil, f
	}
	a.chat, a.logprobs, a.top = true, body.Logprobs, or(body.TopLogprobs, 0)
	switch {
	case a.top < 0 || a.top > engine.MaxTop:
		return nil, invalidf("top_logprobs", "wants a number in [0,%d], got %d", engine.MaxTop,
			a.top)
	case a.top > 0 && !a.logprobs:
		return nil, invalidf("top_logprobs", "is for requests with logprobs only")
	case a.MaxNew == 0:
		return nil, invalidf("max_tokens", "wants at least 1, got 0")
	}
	if a.prompts, f = s.chatPrompt(body.Messages); f != nil {
		return nil, f
	}
	return a, a.fit(s.engine.Length())
}

// chatPrompt renders messages with the model's chat template.
func (s *Server) chatPrompt(raw []json.RawMessage) ([]prompt, *failure) {
	if len(raw) == 0 {
		return nil, invalidf("messages", "wants at least one message")
	}
	messages := make([]oaif.Message, len(raw))
	for i, one := range raw {
		var f *failure
		if messages[i], f = messageOf(one, fmt.Sprintf("messages[%d].", i)); f != nil {
			return nil, f
		}
	}
	text, err := s.vocab.RenderChat(messages)
	if err != nil {
		return nil, invalidf("messages", "%v", err)
	}
	ids, err := s.vocab.EncodePrompt(text)
	if err != nil {
		return nil, invalidf("messages", "%v", err)
	}
	if len(ids) == 0 {
		return nil, invalidf("messages", "make a prompt without tokens")
	}
	return []prompt{{ids: ids, text: text}}, nil
}

func messageOf(raw json.RawMessage, in string) (m oaif.Message, f *failure) {
	var read message
	if f := decode(raw, in, ignoredOfMessage, &read); f != nil {
		return m, f
	}
	if read.Role == "" {
		return m, invalidf(in+"role", "is missing")
	}
	m.Role = read.Role
	if len(read.Content) == 0 {
		return m, invalidf(in+"content", "is missing")
	}
	if json.Unmarshal(read.Content, &m.Content) == nil {
		return m, nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(read.Content, &parts); err != nil {
		return m, invalidf(in+"content", "wants a text or a list of parts")
	}
	for i, one := range parts {
		var p part
		at := fmt.Sprintf("%scontent[%d].", in, i)
		if f := decode(one, at, ignoredOfPart, &p); f != nil {
			return m, f
		}
		if p.Type != "text" {
			return m, invalidf(at+"type", `wants "text", got %q`, brief(p.Type))
		}
		m.Content += p.Text
	}
	return m, nil
}
