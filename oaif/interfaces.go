package oaif

import "context"

// Sampler draws the two completions of each prompt from the policy as it is now.
type Sampler interface {
	// Sample returns one pair per prompt, in order. step keys the noise.
	Sample(ctx context.Context, step int, prompts []*Prompt) ([]Pair, error)
}

// Annotator says which of two texts is better.
type Annotator interface {
	// Annotate returns one Preference per question, in order. An unreadable verdict is
	// VerdictInvalid in the result, not an error; an error means that the batch could not be judged
	// at all. Safe for concurrent use.
	Annotate(ctx context.Context, questions []Question) ([]Preference, error)
}
