// Package lexicon scores the sentiment of English text by a word list and rules: VADER.
//
// Texts go in, scores in [-1,1] come out. Evaluation judges with it beside the annotator that
// trains, and an annotator of kind "lexicon" is made of it. The package knows no files, no models
// and no training; it is deterministic, and nothing in it fails on text.
package lexicon
