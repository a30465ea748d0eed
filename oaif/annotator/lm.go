package annotator

import "context"

// Prompt is a text whose next token is a verdict.
type Prompt struct {
	// System is the system turn before Text; "" means none. Only with Chat.
	System string
	// Text is the user's turn when Chat, else what the model continues.
	Text string
	Chat bool
}

// Next is what an LM says of the token that follows one Prompt.
type Next struct {
	// Logprobs are those of the candidates in nats, at temperature 1.
	Logprobs []float64
	// Bounded says that not all are exact: those of candidates that were not seen are the most that
	// they can be.
	Bounded bool
	// Reason says why there are no log-probs; "" when there are.
	Reason string

	// text says that value was read from text, in place of Logprobs.
	text bool
	// value is the first label's probability, 0 or 1 (pairwise), or the score (pointwise).
	value float64
}

// pFirst returns the probability of the first of two candidates against the second.
func (n *Next) pFirst() float64 {
	if n.text {
		return n.value
	}
	return sigmoid(n.Logprobs[0] - n.Logprobs[1])
}

// span returns the range that the probability of the first of two candidates is known to be in.
// Where only one candidate was seen, it is at least as likely as pFirst says.
func (n *Next) span() (low, high float64) {
	p := n.pFirst()
	switch {
	case !n.Bounded:
		return p, p
	case p > .5:
		return p, 1
	case p < .5:
		return 0, p
	}
	return 0, 1
}

// score returns a pointwise annotator's score.
func (n *Next) score() float64 {
	if n.text {
		return n.value
	}
	return n.Logprobs[0] - n.Logprobs[1]
}

// Said is what a Writer wrote after one Prompt, or the Reason why there is nothing.
type Said struct{ Text, Reason string }

// Writer is a language model that is asked for a verdict in words, where no log-probs can be had.
// It must be safe for concurrent use.
type Writer interface {
	// Write returns one Said per prompt, in order, of at most maxTokens tokens each. An error means
	// that nothing can be asked.
	Write(ctx context.Context, prompts []Prompt, maxTokens int) ([]Said, error)
}

// LM is the language model behind an annotator. It must be safe for concurrent use.
type LM interface {
	// NextLogprobs returns one Next per prompt, in order. What the model says of a prompt and
	// cannot be used is a Next with a Reason; an error means that nothing can be asked. A candidate
	// that is not exactly one token is an error where the model's tokens are known.
	NextLogprobs(ctx context.Context, prompts []Prompt, candidates []string) ([]Next, error)
	// Plain returns an answer's text as it can stand in a prompt: without what the model would take
	// for the end of a turn, or another control token, where its tokens are known.
	Plain(text string) string
	// Digest names the model, for the key under which verdicts are stored.
	Digest() string
}
