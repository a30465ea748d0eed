package remote

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// reader takes what it wants out of an answer, or says what is broken in it.
type reader func(body []byte) *failure

// chatAnswer is what is read of an answer of /chat/completions.
type chatAnswer struct {
	Choices []struct {
		Message struct {
			Content *string `json:"content"`
		} `json:"message"`
		Finish   string `json:"finish_reason"`
		Logprobs *struct {
			Content []struct {
				Top []ranked `json:"top_logprobs"`
			} `json:"content"`
		} `json:"logprobs"`
	} `json:"choices"`
}

type ranked struct {
	Token   string   `json:"token"`
	Logprob *float64 `json:"logprob"`
}

// textAnswer is what is read of an answer of /completions.
type textAnswer struct {
	Choices []struct {
		Text     *string `json:"text"`
		Finish   string  `json:"finish_reason"`
		Logprobs *struct {
			Tokens   []string              `json:"tokens"`
			Logprobs []*float64            `json:"token_logprobs"`
			Top      []map[string]*float64 `json:"top_logprobs"`
		} `json:"logprobs"`
	} `json:"choices"`
	Usage struct {
		Completion *int `json:"completion_tokens"`
	} `json:"usage"`
}

// top returns the ranked next tokens of a chat's answer.
func (a *chatAnswer) top(body []byte) ([]ranked, *failure) {
	if err := json.Unmarshal(body, a); err != nil {
		return nil, brokenf("the answer cannot be read: %v", err)
	}
	if len(a.Choices) != 1 {
		return nil, brokenf("the answer has %d choices, one was asked for", len(a.Choices))
	}
	l := a.Choices[0].Logprobs
	if l == nil || len(l.Content) == 0 || len(l.Content[0].Top) == 0 {
		return nil, brokenf("the answer has no top_logprobs")
	}
	return l.Content[0].Top, nil
}

// content returns the text of a chat's answer.
func (a *chatAnswer) content(body []byte) (string, *failure) {
	if err := json.Unmarshal(body, a); err != nil {
		return "", brokenf("the answer cannot be read: %v", err)
	}
	if len(a.Choices) != 1 {
		return "", brokenf("the answer has %d choices, one was asked for", len(a.Choices))
	}
	return whole(a.Choices[0].Message.Content, a.Choices[0].Finish)
}

// whole returns a text that ended by itself. One that was cut is no answer: "1" may have become
// "10", or "1 is worse".
func whole(text *string, finish string) (string, *failure) {
	switch {
	case text == nil:
		return "", brokenf("the answer has no text")
	case finish == "length":
		return "", &failure{broken: true, final: true,
			text: "the answer was cut at remote.max_new_tokens"}
	case finish == "content_filter":
		return "", &failure{broken: true, final: true, text: "the answer was cut by a filter"}
	}
	return *text, nil
}

// content returns the text that continues a text.
func (a *textAnswer) content(body []byte) (string, *failure) {
	if f := a.read(body); f != nil {
		return "", f
	}
	return whole(a.Choices[0].Text, a.Choices[0].Finish)
}

// top returns the ranked next tokens of a text's answer.
func (a *textAnswer) top(body []byte) ([]ranked, *failure) {
	if f := a.read(body); f != nil {
		return nil, f
	}
	if a.Choices[0].Logprobs == nil {
		return nil, brokenf("the answer has no logprobs")
	}
	all := a.Choices[0].Logprobs.Top
	if len(all) == 0 || len(all[0]) == 0 {
		return nil, brokenf("the answer has no top_logprobs")
	}
	var out []ranked
	for _, token := range slices.Sorted(maps.Keys(all[0])) { // sums depend on the order
		out = append(out, ranked{token, all[0][token]})
	}
	return out, nil
}

func (a *textAnswer) read(body []byte) *failure {
	if err := json.Unmarshal(body, a); err != nil {
		return brokenf("the answer cannot be read: %v", err)
	}
	if len(a.Choices) != 1 {
		return brokenf("the answer has %d choices, one was asked for", len(a.Choices))
	}
	return nil
}

// echoed returns the log-prob of candidate, which ends the prompt that is echoed before the one
// token that was made.
func (a *textAnswer) echoed(body []byte, candidate string) (float64, *failure) {
	if f := a.read(body); f != nil {
		return 0, f
	}
	l := a.Choices[0].Logprobs
	if l == nil {
		return 0, brokenf("the answer has no logprobs")
	}
	if len(l.Tokens) != len(l.Logprobs) {
		return 0, brokenf("the answer has %d tokens and %d log-probs", len(l.Tokens),
			len(l.Logprobs))
	}
	made := 1
	if n := a.Usage.Completion; n != nil {
		made = *n
	}
	if made < 0 || made > len(l.Tokens) {
		return 0, brokenf("the answer has %d tokens, of which %d are said to be new",
			len(l.Tokens), made)
	}
	end := len(l.Tokens) - made
	sum := 0.0
	for rest := candidate; rest != ""; {
		end--
		if end < 1 || l.Tokens[end] == "" || !strings.HasSuffix(rest, l.Tokens[end]) {
			return 0, brokenf("the answer does not echo %q as tokens of its own", candidate)
		}
		lp := l.Logprobs[end]
		if lp == nil {
			return 0, brokenf("the answer has no log-prob of %q", candidate)
		}
		sum += *lp
		rest = strings.TrimSuffix(rest, l.Tokens[end])
	}
	return sum, nil
}
