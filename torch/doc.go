// Package torch is the only package with cgo: tensors, scopes, the device thread, the transformer's
// heavy verbs and the optimizer, all through the C ABI of cbridge.
//
// Flowing in are weights, packed token trees and seeds of gradients; flowing out are log-probs,
// sampled ids and gradients. The package knows nothing of files, tokenizers, prompts or losses.
//
// Errors: functions and methods that run on the device panic with *Error; Device.Do and Catch turn
// that into an error at the edge. Nothing else panics.
//
// Memory: a Scope owns the tensors made in it and frees them when it is closed; Model, Tape, Head,
// Decoder, Tree and AdamW are owned by whoever made them and freed by Close. There are no
// finalizers. LiveHandles counts all of them.
//
// Concurrency: one goroutine per device, locked to its OS thread, runs every call ("device
// goroutine only"); send work to it with Device.Do. Only Device.Do, LiveHandles, Version and
// CUDACount may be called from anywhere.
//
// Letters in comments: N packed tokens, R selected rows, B decode rows, V vocabulary, H hidden
// size, D head size, L layers.
package torch
