package oaif

import "context"

// Sampler draws the completions of each prompt from the policy as it is now.
type Sampler interface {
	// Sample returns one group per prompt, in order. step keys the noise. ended, unless it is nil,
	// is given the groups that have become complete, each once, as soon as they have: it is called
	// between two units of work, by the goroutine that called Sample, and is to return at once.
	Sample(ctx context.Context, step int, prompts []*Prompt, ended func([]Group)) ([]Group, error)
}

// Annotator says which of two texts is better.
type Annotator interface {
	// Annotate returns one Preference per question, in order. An unreadable verdict is
	// VerdictInvalid in the result, not an error; an error means that the batch could not be judged
	// at all. Safe for concurrent use.
	Annotate(ctx context.Context, questions []Question) ([]Preference, error)
}
