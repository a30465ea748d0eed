// Package trainer runs online AI feedback (arXiv 2402.04792): step.go is the algorithm, and the
// only place where sampler, annotator, loss, optimizer and run folder meet.
//
// Flowing in is a config; flowing out is a run folder: metrics.jsonl, pairs.jsonl, system.jsonl,
// eval/, checkpoints/, model/, summary.json. The package knows no terminal: an Observer is told
// what happens. Errors are returned, those of bad input as oaif.ErrData or oaif.ErrUsage, a stop on
// request as oaif.ErrInterrupted.
//
// A run is a pure function of its config, model files, seed and thread count: the same gives
// byte-identical pairs, metrics and weights, whether it was stopped and resumed or not.
package trainer
