// Package remote asks a language model behind an HTTP endpoint that speaks the OpenAI API: vLLM,
// SGLang, llama.cpp, Ollama, hosted services, or `oaif serve`.
//
// In flow what an annotator's TOML file says of the endpoint, prompts and candidates, out flow
// log-probs, or a reason why there are none: the Client fits the interface that package annotator
// declares. Every request goes through the same gate: the cache of answers, the budget, the limits
// on concurrency and rate, and retries with growing pauses. What an endpoint answers is checked
// before it is believed; a broken answer is asked for again and then skipped with a reason. The
// package knows no prompt template, no run folder and no tensors.
//
// The key is read from the environment and is put into nothing but the request's header.
package remote
