package serve

import (
	"encoding/json"
	"math"

	"github.com/oaif/oaif/oaif/engine"
)

// leastLogprob stands for minus infinity, which JSON cannot write.
const leastLogprob = -9999

func finite(logprob float32) float32 { return max(logprob, leastLogprob) }

// choice is one choice of an answer, or of a chunk of a stream. The fields that the other kind of
// request has are nil.
type choice struct {
	Index    int       `json:"index"`
	Text     *string   `json:"text,omitempty"`    // of a plain completion
	Message  *turn     `json:"message,omitempty"` // of a chat
	Delta    *turn     `json:"delta,omitempty"`   // of a chat's stream
	Logprobs *logprobs `json:"logprobs"`
	Finish   *string   `json:"finish_reason"`
}

// logprobs are either kind's.
type logprobs struct {
	text *textLogprobs
	chat *chatLogprobs
}

// MarshalJSON implements json.Marshaler.
func (l *logprobs) MarshalJSON() ([]byte, error) {
	if l.chat != nil {
		return json.Marshal(l.chat)
	}
	return json.Marshal(l.text)
}

type turn struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

// textLogprobs are those of a plain completion.
type textLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []*float32           `json:"token_logprobs"`
	Top      []map[string]float32 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"`
}

// chatLogprobs are those of a chat.
type chatLogprobs struct {
	Content []chatToken `json:"content"`
}

type chatToken struct {
	rankedToken
	Top []rankedToken `json:"top_logprobs"`
}

type rankedToken struct {
	Token   string  `json:"token"`
	Logprob float32 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

// answer is the body of an answer, or of a chunk of a stream.
type answer struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

func usageOf(a *asked, drawn int) *usage {
	n := 0
	for _, p := range a.prompts {
		n += len(p.ids)
	}
	return &usage{n, drawn, n + drawn}
}

// choiceOf returns what was gathered of a choice, or a piece of it, as the API writes it.
func (s *Server) choiceOf(a *asked, p piece, stream bool) choice {
	c := choice{Index: p.choice}
	if p.finish != "" {
		c.Finish = &p.finish
	}
	switch {
	case !a.chat:
		c.Text = &p.text
	case stream:
		c.Delta = &turn{}
		if p.text != "" {
			c.Delta.Content = &p.text
		}
	default:
		c.Message = &turn{Role: "assistant", Content: &p.text}
	}
	switch {
	case !a.logprobs || stream && len(p.tokens) == 0:
	case a.chat:
		c.Logprobs = &logprobs{chat: s.chatLogprobs(p.tokens)}
	default:
		c.Logprobs = &logprobs{text: s.textLogprobs(p.tokens, a.top)}
	}
	return c
}

func (s *Server) textLogprobs(tokens []token, top int) *textLogprobs {
	out := &textLogprobs{Tokens: []string{}, Logprobs: []*float32{}, Offsets: []int{},
		Top: []map[string]float32{}}
	for _, t := range tokens {
		text := tokenText(s.vocab.TokenBytes(t.ID))
		out.Tokens = append(out.Tokens, text)
		out.Offsets = append(out.Offsets, t.offset)
		if math.IsNaN(float64(t.Logprob)) { // a prompt's first one
			out.Logprobs, out.Top = append(out.Logprobs, nil), append(out.Top, nil)
			continue
		}
		logprob := finite(t.Logprob)
		out.Logprobs = append(out.Logprobs, &logprob)
		out.Top = append(out.Top, s.ranking(t.Token, text))
	}
	if top == 0 {
		out.Top = nil
	}
	return out
}

// ranking maps the likeliest tokens, and the token itself, to their log-probs. Of two tokens with
// one text it has the likelier.
func (s *Server) ranking(t engine.Token, text string) map[string]float32 {
	out := make(map[string]float32, len(t.Top)+1)
	for _, r := range t.Top {
		name := tokenText(s.vocab.TokenBytes(r.ID))
		if _, there := out[name]; !there {
			out[name] = finite(r.Logprob)
		}
	}
	if _, there := out[text]; !there {
		out[text] = finite(t.Logprob)
	}
	return out
}

func (s *Server) chatLogprobs(tokens []token) *chatLogprobs {
	out := &chatLogprobs{Content: []chatToken{}}
	for _, t := range tokens {
		top := []rankedToken{}
		for _, r := range t.Top {
			top = append(top, s.rankedToken(r.ID, r.Logprob))
		}
		out.Content = append(out.Content, chatToken{s.rankedToken(t.ID, t.Logprob), top})
	}
	return out
}

func (s *Server) rankedToken(id int32, logprob float32) rankedToken {
	b := s.vocab.TokenBytes(id)
	out := rankedToken{tokenText(b), finite(logprob), make([]int, len(b))}
	for i, c := range b {
		out.Bytes[i] = int(c)
	}
	return out
}
