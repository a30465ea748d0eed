package annotator

import (
	"fmt"
	"net/url"
	"regexp"
	"time"
)

// Remote is the table [remote] of an annotator's TOML file.
type Remote struct {
	// URL is the API's base, such as http://127.0.0.1:8000/v1.
	URL string `toml:"url" json:"-"`
	// Model is the name that the API knows the model by.
	Model string `toml:"model" json:"model"`
	// KeyEnv names the environment variable that holds the key; "" sends none. What is no name of
	// a variable may be the key itself, and is not repeated in an error.
	KeyEnv string `toml:"key_env" json:"-"`

	// Answers says what is asked for: AnswerLogprobs (the default), of the verdict tokens, or
	// AnswerText, in which a label (pairwise) or a score from 1 to 10 (pointwise) is looked for.
	Answers string `toml:"answers" json:"answers"`
	// MaxNewTokens is the most tokens of an AnswerText. Default 16.
	MaxNewTokens int `toml:"max_new_tokens" json:"max_new_tokens"`

	// Concurrency is the most requests in flight, >= 1. Default 8.
	Concurrency int `toml:"concurrency" json:"-"`
	// RequestsPerMinute and TokensPerMinute bound what is sent; 0: no bound. A request's tokens are
	// estimated before it is sent, at one for four bytes.
	RequestsPerMinute float64 `toml:"requests_per_minute" json:"-"`
	TokensPerMinute   float64 `toml:"tokens_per_minute" json:"-"`
	// Timeout is that of one request, its answer included. Default 60 s.
	Timeout time.Duration `toml:"timeout" json:"-"`
	// Retries are the most repetitions of one request, >= 0. Default 6.
	Retries int `toml:"retries" json:"-"`

	// PriceIn and PriceOut are those of a million prompt and completion tokens, in any currency.
	PriceIn  float64 `toml:"price_in" json:"-"`
	PriceOut float64 `toml:"price_out" json:"-"`
	// MaxTokens and MaxCost end a run that has used so many tokens, or spent so much, since the
	// program was started; 0: no ceiling.
	MaxTokens int64   `toml:"max_tokens" json:"-"`
	MaxCost   float64 `toml:"max_cost" json:"-"`
}

// The values of Answers.
const (
	AnswerLogprobs = "logprobs"
	AnswerText     = "text"
)

// remoteDefaults are the values of what a file leaves out.
func remoteDefaults() Remote {
	return Remote{Answers: AnswerLogprobs, MaxNewTokens: 16, Concurrency: 8, Timeout: time.Minute,
		Retries: 6}
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check says which key has a value that cannot be used; nil when all can.
func (r *Remote) check() error {
	base, err := url.Parse(r.URL)
	switch {
	case r.URL == "":
		return fmt.Errorf("remote.url is missing or empty")
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		return fmt.Errorf("remote.url is %q; it must be like http://127.0.0.1:8000/v1", r.URL)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return fmt.Errorf("remote.url must hold no user, query or fragment; a key belongs into " +
			"the environment variable that remote.key_env names")
	case r.Model == "":
		return fmt.Errorf("remote.model is missing or empty")
	case r.KeyEnv != "" && !variable.MatchString(r.KeyEnv):
		return fmt.Errorf("remote.key_env must be the name of an environment variable that holds " +
			"the key, which has no place in a file")
	case r.Answers != AnswerLogprobs && r.Answers != AnswerText:
		return fmt.Errorf("remote.answers is %q; it must be %q or %q", r.Answers,
			AnswerLogprobs, AnswerText)
	case r.MaxNewTokens < 1:
		return fmt.Errorf("remote.max_new_tokens is %d; it must be at least 1", r.MaxNewTokens)
	case r.Concurrency < 1:
		return fmt.Errorf("remote.concurrency is %d; it must be at least 1", r.Concurrency)
	case r.Timeout <= 0:
		return fmt.Errorf("remote.timeout is %v; it must be above 0", r.Timeout)
	case r.Retries < 0:
		return fmt.Errorf("remote.retries is %d; it must be at least 0", r.Retries)
	}
	return r.checkAmounts()
}

func (r *Remote) checkAmounts() error {
	for _, v := range []struct {
		key   string
		value float64
	}{
		{"requests_per_minute", r.RequestsPerMinute}, {"tokens_per_minute", r.TokensPerMinute},
		{"price_in", r.PriceIn}, {"price_out", r.PriceOut},
		{"max_tokens", float64(r.MaxTokens)}, {"max_cost", r.MaxCost},
	} {
		if !(v.value >= 0 && v.value <= 1e15) {
			return fmt.Errorf("remote.%s is %v; it must be at least 0", v.key, v.value)
		}
	}
	if r.MaxCost > 0 && r.PriceIn == 0 && r.PriceOut == 0 {
		return fmt.Errorf("remote.max_cost needs remote.price_in and remote.price_out")
	}
	return nil
}
