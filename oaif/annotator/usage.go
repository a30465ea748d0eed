package annotator

// Usage is what an annotator's requests have used, where it counts them.
type Usage struct {
	Requests         int64   `json:"requests"`
	PromptTokens     int64   `json:"prompt_tokens"`
	CompletionTokens int64   `json:"completion_tokens"`
	Cost             float64 `json:"cost"` // in the currency of the annotator's prices
}

// Tokens returns those of prompts and completions together.
func (u *Usage) Tokens() int64 { return u.PromptTokens + u.CompletionTokens }

// Sub takes away what was added.
func (u *Usage) Sub(v Usage) {
	u.Requests -= v.Requests
	u.PromptTokens -= v.PromptTokens
	u.CompletionTokens -= v.CompletionTokens
	u.Cost -= v.Cost
}

// Add adds what something else has used.
func (u *Usage) Add(v Usage) {
	u.Requests += v.Requests
	u.PromptTokens += v.PromptTokens
	u.CompletionTokens += v.CompletionTokens
	u.Cost += v.Cost
}
