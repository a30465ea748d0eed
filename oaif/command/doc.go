// Package command asks a program of the user's choice which of two answers is better.
//
// Questions go in, verdicts come out; between them are lines of JSON on the standard input and
// output of one process that is kept for the run. A request is
//
//	{"id":7,"prompt":"...","a":"...","b":"...","fields":{...}}
//
// where fields are all text fields of the prompt's record. The reply, in any order among others, is
// one of
//
//	{"id":7,"verdict":"a"}                  or "b" or "tie"
//	{"id":7,"p_a":0.8}                      the probability that a is better, in [0,1]
//	{"id":7,"score_a":1.5,"score_b":-2}     P(a is better) is the sigmoid of their difference
//	{"id":7,"invalid":"why"}                the question is skipped, with this reason
//
// A program that crashes, falls silent, or writes anything else is an *Error with the last lines of
// its standard error, never a verdict. The package knows no language model and no run folder.
package command
