// Package report turns a run folder into report.html, one file that needs no network and no script.
//
// The folder's config.toml, metrics.jsonl, system.jsonl, pairs.jsonl, eval/step-N.jsonl and
// summary.json flow in, the page flows out. What is missing is left out with a sentence that says
// so, because a run that is going on or was stopped has a report too. The package computes nothing
// that the run did not record: it knows no model, tokenizer or judge.
//
// Errors: a broken line or file is one line naming file and line, with
// errors.Is(err, oaif.ErrData), and leaves an older report as it is.
package report
