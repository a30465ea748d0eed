package remotetest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
)

// Oracle is a server of /completions whose next token is "1" or "2", with log-probs that are a
// function of the prompt alone: see First. It writes "1".
var Oracle = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	var body struct{ Prompt string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Prompt == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	write(w, fmt.Appendf(nil, `{"choices":[{"text":"1","logprobs":{"tokens":["1"],`+
		`"token_logprobs":[%[1]v],"top_logprobs":[{"1":%[1]v,"2":-1}]}}],`+
		`"usage":{"prompt_tokens":8,"completion_tokens":1}}`, First(body.Prompt)))
})

// First is the log-prob in nats of "1" after a prompt; that of "2" is -1.
func First(prompt string) float64 {
	sum := fnv.New32()
	_, _ = io.WriteString(sum, prompt) // cannot fail
	return -.01 - float64(sum.Sum32()%1999)/1000
}
