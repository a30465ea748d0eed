// Package engine answers many requests at once from one model: continuous batching over the decode
// slots of package torch.
//
// In flow requests of token ids, out flow tokens with their log-probs, through a channel for each
// request. One goroutine owns the slots. Each of its turns is a bounded unit of work for the
// device: it scores the prompts of requests that want one token at most, many at once and common
// prefixes once, without a slot; it admits what fits into free slots; and it takes one step with
// all slots. What a request draws depends on its seed, not on the requests beside it, but for
// rounding (docs/architecture.md, Numerics). Log-probs are in nats at temperature 1, as everywhere.
//
// The package knows no text and no HTTP. A request that cannot be answered is an oaif.DataError;
// one that finds the queue full is ErrFull. A failure of the device ends the requests that it met,
// and the engine goes on.
package engine
