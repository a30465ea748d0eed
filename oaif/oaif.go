// Package oaif holds the nouns of online AI feedback (arXiv 2402.04792) and the interfaces between
// its parts.
//
// A Prompt goes in; the sampler draws a Group of Completions for it from the current policy, two
// unless more are asked for, of which two are its Pair; an Annotator turns the pair's texts into a
// Preference; the trainer takes one step on exactly the sampled token ids. The package knows no
// tensors, no files and no cgo. All types are plain data; a value is safe for concurrent reads.
package oaif

// Message is one turn of a chat prompt.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Prompt is one record of a prompt file, ready for the policy.
type Prompt struct {
	// Index is the record's global 0-based position in its file. Sampling noise and data order are
	// keyed by it, never by a batch position, so that results do not depend on how prompts are
	// batched.
	Index int
	// Text is what was tokenized: the plain prompt, or the chat template's rendering of its
	// messages.
	Text string
	// IDs are the token ids of Text.
	IDs []int32
	// Fields are all string fields of the record, for annotator templates; "prompt" is always
	// there.
	Fields map[string]string
}

// Finish says why a completion ended.
type Finish string

// The two ways in which a completion ends.
const (
	FinishEOS    Finish = "eos"    // the policy sampled an id of the EOS set
	FinishLength Finish = "length" // the limit on new tokens was reached
)

// Completion is one response as it was sampled. It is trained on as it is: never re-tokenized,
// never given an EOS that was not sampled.
type Completion struct {
	// IDs are the sampled ids, the EOS that stopped it included.
	IDs []int32
	// Text is the decoded text without special tokens.
	Text string
	// Logprobs are the sampler's log-probs of IDs in nats at temperature 1, one per id.
	Logprobs []float32
	Finish   Finish
}

// Group is the completions drawn independently for one prompt.
type Group struct {
	Prompt *Prompt
	// Place is the prompt's 0-based place among those that were drawn for together.
	Place int
	// First is the response number of Answers[0], which keys its noise: 0, unless the prompt came
	// before in the same step.
	First int
	// Answers are the completions, at least two.
	Answers []Completion
}

// Pair is two completions of one prompt: a and b before annotation, chosen and rejected after it.
type Pair struct {
	Prompt *Prompt
	A, B   Completion
	// Drawn are the places of A and B in their Group's Answers, in rising order.
	Drawn [2]int
}

// Verdict is what an annotator concluded about a pair.
type Verdict string

// The possible verdicts. Only VerdictA and VerdictB are trained on.
const (
	VerdictA       Verdict = "a"
	VerdictB       Verdict = "b"
	VerdictTie     Verdict = "tie"     // both answers were found equal
	VerdictInvalid Verdict = "invalid" // the verdict could not be read; it is never guessed
)

// Question is what an annotator sees of a pair: texts only.
type Question struct {
	Fields map[string]string // the prompt record's fields
	A, B   string            // the two completions' texts
}

// Order is one presentation of a pair to a pairwise annotator.
type Order struct {
	First  string  `json:"first"`   // "a" or "b": which answer was shown in slot 1
	PFirst float64 `json:"p_first"` // probability given to slot 1, in [0,1]
	// Bounded says that only one slot's label was seen, and that it is at least as likely as PFirst
	// says.
	Bounded bool `json:"bounded,omitempty"`
}

// Preference is an annotator's answer to one Question.
type Preference struct {
	Verdict Verdict `json:"verdict"`
	// PA is the probability that a is better, in [0,1]: the mean over orders (pairwise) or
	// sigmoid(ScoreA-ScoreB) (scores). 0 when the verdict is invalid.
	PA float64 `json:"p_a"`
	// Orders are the presentations made, empty for a pointwise annotator.
	Orders []Order `json:"orders,omitempty"`
	// ScoreA and ScoreB are the answers' scores where each is scored alone, else 0: in nats
	// (differences of two log-probs) of a pointwise annotator, else in the unit of what gave them.
	ScoreA float64 `json:"score_a,omitempty"`
	ScoreB float64 `json:"score_b,omitempty"`
	// Text says that what the annotator wrote was read, where it gave no log-probs: PA and PFirst
	// are then 0, one half or 1 and say nothing of its certainty.
	Text bool `json:"text,omitempty"`
	// Reason says why a verdict is invalid, or was reached without asking; else it is empty.
	Reason string `json:"reason,omitempty"`
}
