// Package eval measures a policy against the model it started from.
//
// Answers of both to the same prompts go in; win/tie/loss tallies with a 95 % interval and text
// statistics come out. VADER (package lexicon), which never trains, judges texts; the checks find
// out whether a gain is a trick of a few words. The package knows no files and no training.
// Everything in it is deterministic. Nothing in it fails on text: an empty answer is an answer.
package eval
