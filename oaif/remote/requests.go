package remote

import "github.com/oaif/oaif/oaif/annotator"

// topTokens is how many next tokens are asked for: the most that the API gives.
const topTokens = 20

// request is what is sent to a path below the endpoint's URL. Its body's JSON is what an answer is
// stored under: fields are always written in this order, and none depends on the time.
type request struct {
	path string
	body any // *chatRequest or *textRequest
	// in and out estimate the tokens that it will use.
	in, out int64
}

// turn is one message of a chat.
type turn struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// chatRequest is the body of /chat/completions.
type chatRequest struct {
	Model       string  `json:"model"`
	Messages    []turn  `json:"messages"`
	MaxTokens   int     `json:"max_tokens"`
	Temperature float64 `json:"temperature"`
	Logprobs    bool    `json:"logprobs,omitempty"`
	TopLogprobs int     `json:"top_logprobs,omitempty"`
}

// textRequest is the body of /completions.
type textRequest struct {
	Model       string  `json:"model"`
	Prompt      string  `json:"prompt"`
	MaxTokens   int     `json:"max_tokens"`
	Temperature float64 `json:"temperature"`
	Logprobs    int     `json:"logprobs,omitempty"`
	Echo        bool    `json:"echo,omitempty"`
}

// ranking asks for the likeliest tokens that come next.
func ranking(model string, p annotator.Prompt) request {
	if p.Chat {
		return chat(chatRequest{Model: model, Messages: turns(p), MaxTokens: 1, Logprobs: true,
			TopLogprobs: topTokens})
	}
	return text(textRequest{Model: model, Prompt: p.Text, MaxTokens: 1, Logprobs: topTokens})
}

// scoring asks for the log-prob of candidate behind a text. One token is made, as some servers
// refuse to make none.
func scoring(model string, p annotator.Prompt, candidate string) request {
	return text(textRequest{Model: model, Prompt: p.Text + candidate, MaxTokens: 1, Logprobs: 1,
		Echo: true})
}

// writing asks for words.
func writing(model string, p annotator.Prompt, maxTokens int) request {
	if p.Chat {
		return chat(chatRequest{Model: model, Messages: turns(p), MaxTokens: maxTokens})
	}
	return text(textRequest{Model: model, Prompt: p.Text, MaxTokens: maxTokens})
}

func turns(p annotator.Prompt) []turn {
	user := turn{"user", p.Text}
	if p.System == "" {
		return []turn{user}
	}
	return []turn{{"system", p.System}, user}
}

func chat(body chatRequest) request {
	bytes := 0
	for _, t := range body.Messages {
		bytes += len(t.Content)
	}
	return request{"/chat/completions", &body, estimate(bytes), int64(body.MaxTokens)}
}

func text(body textRequest) request {
	return request{"/completions", &body, estimate(len(body.Prompt)), int64(body.MaxTokens)}
}

// estimate is the number of tokens of so many bytes of text, about.
func estimate(bytes int) int64 { return int64(bytes+3) / 4 }

// Estimate says what asking about prompts will use, about, when nothing has to be asked twice and
// nothing is in the cache.
func Estimate(spec *annotator.Spec, prompts []annotator.Prompt) annotator.Usage {
	var u annotator.Usage
	for _, p := range prompts {
		requests := []request{ranking(spec.Remote.Model, p)}
		switch {
		case spec.Remote.Answers == annotator.AnswerText:
			requests[0] = writing(spec.Remote.Model, p, spec.Remote.MaxNewTokens)
		case spec.Kind == annotator.Pointwise:
			requests = nil
			for _, c := range spec.Candidates() {
				requests = append(requests, scoring(spec.Remote.Model, p, c))
			}
		}
		for _, r := range requests {
			u.Add(of(spec.Remote, r.in, r.out))
		}
	}
	return u
}
