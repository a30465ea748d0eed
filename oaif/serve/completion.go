package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/oaif/oaif/oaif/engine"
)

// completionBody is the body of /v1/completions.
type completionBody struct {
	common
	Prompt   json.RawMessage `json:"prompt"`
	Logprobs *int            `json:"logprobs"`
	Echo     bool            `json:"echo"`
}

// defaultNew is the API's max_tokens of a plain completion.
const defaultNew = 16

// readCompletion reads the body of /v1/completions.
func (s *Server) readCompletion(data []byte) (*asked, *failure) {
	var body completionBody
	if f := decode(data, "", ignoredKeys, &body); f != nil {
		return nil, f
	}
	a, f := body.settings(s.opt.Name, defaultNew)
	if f != nil {
		return nil, f
	}
	a.echo, a.logprobs, a.top = body.Echo, body.Logprobs != nil, or(body.Logprobs, 0)
	if a.top < 0 || a.top > engine.MaxTop {
		return nil, invalidf("logprobs", "wants a number in [0,%d], got %d", engine.MaxTop, a.top)
	}
	if a.MaxNew == 0 && !a.echo {
		return nil, invalidf("max_tokens", "wants at least 1 without echo, got 0")
	}
	if a.prompts, f = s.promptsOf(body.Prompt); f != nil {
		return nil, f
	}
	return a, a.fit(s.engine.Length())
}

// promptsOf reads the field prompt: a text, a list of texts, a list of ids or a list of such lists.
func (s *Server) promptsOf(raw json.RawMessage) ([]prompt, *failure) {
	if len(raw) == 0 {
		return nil, invalidf("prompt", "is missing")
	}
	var list []json.RawMessage
	if raw[0] != '[' || isIDs(raw) {
		list = []json.RawMessage{raw}
	} else if err := json.Unmarshal(raw, &list); err != nil {
		return nil, invalidf("prompt", "cannot be read: %v", err)
	}
	if len(list) == 0 {
		return nil, invalidf("prompt", "is an empty list")
	}
	if most := s.engine.Queue(); len(list) > most {
		return nil, invalidf("prompt", "has %d prompts, this server queues %d", len(list), most)
	}
	out := make([]prompt, len(list))
	for i, one := range list {
		name := "prompt"
		if len(list) > 1 {
			name = fmt.Sprintf("prompt[%d]", i)
		}
		var f *failure
		if out[i], f = s.promptOf(one, name); f != nil {
			return nil, f
		}
	}
	return out, nil
}

// isIDs tells a list of ids from one of prompts.
func isIDs(raw json.RawMessage) bool {
	first := bytes.TrimLeft(raw[1:], " \t\r\n")
	return len(first) > 0 && (first[0] == '-' || first[0] >= '0' && first[0] <= '9')
}

func (s *Server) promptOf(raw json.RawMessage, name string) (p prompt, f *failure) {
	if bytes.HasPrefix(raw, []byte("[")) {
		if p.ids, f = s.idsOf(raw, name); f != nil {
			return p, f
		}
		p.text = s.text(p.ids)
	} else {
		var text *string
		if err := json.Unmarshal(raw, &text); err != nil || text == nil {
			return p, invalidf(name, "wants a text or a list of token ids")
		}
		p.text = *text
		var err error
		if p.ids, err = s.vocab.EncodePrompt(p.text); err != nil {
			return p, invalidf(name, "%v", err)
		}
	}
	if len(p.ids) == 0 {
		return p, invalidf(name, "has no tokens")
	}
	if first := p.ids[0]; s.vocab.IsSpecial(first) &&
		!strings.HasPrefix(p.text, string(s.vocab.TokenBytes(first))) {
		p.added = 1
	}
	return p, nil
}

// idsOf reads a list of token ids. A null among them would be 0 to the decoder.
func (s *Server) idsOf(raw json.RawMessage, name string) ([]int32, *failure) {
	var given []*int32
	if err := json.Unmarshal(raw, &given); err != nil || slices.Contains(given, nil) {
		return nil, invalidf(name, "wants a text or a list of token ids")
	}
	ids := make([]int32, len(given))
	for i, id := range given {
		if *id < 0 || int(*id) >= s.opt.Vocab {
			return nil, invalidf(name, "token id %d is outside the vocabulary of %d", *id,
				s.opt.Vocab)
		}
		ids[i] = *id
	}
	return ids, nil
}
