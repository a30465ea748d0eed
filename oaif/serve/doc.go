// Package serve is an OpenAI-compatible HTTP server over package engine: chat and plain completions
// with log-probs, streams, stop strings, and the log-probs of given text.
//
// In flow HTTP requests, out flow JSON and server-sent events; docs/serve.md says what of the API
// there is. The package turns text into token ids and back with package vocab and knows no tensors.
// A request that cannot be answered gets a status of 400 to 503 with a body in the API's form,
// {"error": {"message", "type", "param", "code"}}; nothing that it does not know is skipped in
// silence. Log-probs are in nats at temperature 1, whatever the request's temperature is.
package serve
