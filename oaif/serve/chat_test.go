package serve_test

import (
	"math"
	"testing"

	"github.com/oaif/oaif/oaif"
)

func talk() fields {
	return fields{"model": "tiny", "max_tokens": 20, "seed": 5, "messages": []fields{
		{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"},
	}}
}

// A chat is the completion of what the model's template makes of it.
func TestChatsAreRendered(t *testing.T) {
	s := open(t, options(), 4, 32)
	text, err := s.vocab.RenderChat([]oaif.Message{
		{Role: "system", Content: "be kind"}, {Role: "user", Content: "hi"}})
	if err != nil {
		t.Fatal(err)
	}
	plain := s.post(completions, asked().with(fields{"prompt": text}))
	for name, body := range map[string]fields{
		"texts": talk(),
		"the newer name of max_tokens": talk().with(fields{
			"max_tokens": nil, "max_completion_tokens": 20}),
		"parts": talk().with(fields{"messages": []fields{
			{"role": "system", "content": "be kind", "name": "x", "tool_calls": nil},
			{"role": "user", "content": []fields{
				{"type": "text", "text": "h"}, {"type": "text", "text": "i"}}}}}),
	} {
		a := s.post(chat, body)
		c := a.Choices[0]
		if c.Message.Content != plain.Choices[0].Text || c.Message.Role != "assistant" ||
			a.Object != "chat.completion" || *a.Usage != *plain.Usage {
			t.Errorf("%s: %+v, the rendered text gives %+v", name, a, plain)
		}
	}
}

// Without max_tokens a chat goes on to the end of what a request may have.
func TestChatsFillTheContext(t *testing.T) {
	s := open(t, options(), 4, 32)
	a := s.post(chat, talk().with(fields{"max_tokens": nil}))
	if *a.Choices[0].Finish == "length" && a.Usage.Total != s.engine.Length() {
		t.Errorf("%+v ends at %d tokens of %d", a.Usage, a.Usage.Total, s.engine.Length())
	}
}

// Every token has its bytes, and those that were likelier.
func TestChatLogprobs(t *testing.T) {
	s := open(t, options(), 4, 32)
	for _, newTokens := range []int{1, 20} {
		c := s.post(chat, talk().with(fields{"logprobs": true, "top_logprobs": 3, "temperature": 0,
			"max_tokens": newTokens})).Choices[0]
		var text []byte
		for _, token := range c.Logprobs.Content {
			for _, b := range token.Bytes {
				text = append(text, byte(b))
			}
			if len(token.Top) != 3 || token.Top[0].Token != token.Token ||
				math.Abs(float64(token.Top[0].Logprob-token.Logprob)) > 1e-5 ||
				token.Top[1].Logprob > token.Top[0].Logprob {
				t.Errorf("%d tokens: %+v", newTokens, token)
			}
		}
		if len(c.Logprobs.Content) != newTokens || len(text) < newTokens {
			t.Errorf("%d tokens: %+v", newTokens, c.Logprobs)
		}
	}
	bare := s.post(chat, talk().with(fields{"logprobs": true})).Choices[0].Logprobs.Content
	if len(bare) != 20 || len(bare[0].Top) != 0 {
		t.Errorf("without top_logprobs: %+v", bare)
	}
}
