// Package annotator asks which of two texts is better.
//
// A Spec (a TOML file) and what it asks go in, an oaif.Annotator comes out: texts of a prompt and
// two answers in, one oaif.Preference per question out. Pointwise and pairwise ask a language model
// (LM). Pointwise scores each answer alone; pairwise is the paper's way (arXiv 2402.04792, after
// Lee et al. 2309.00267): both orders, next-token log-probs of two labels, mean of the two
// probabilities, argmax. What scores an answer by itself, a reward model, a word list or a rule, is
// a Scorer. A Journal stores every verdict before it is returned.
//
// The package knows no tokenizer, no tensors, no process and no run folder: LM and Scorer are
// interfaces and all they see is text. Errors in a Spec are usage errors, errors in a journal are
// data errors (see package oaif); a verdict that cannot be read is oaif.VerdictInvalid, never an
// error and never a guess.
package annotator
