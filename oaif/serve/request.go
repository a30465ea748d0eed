package serve

import (
	"encoding/json"
	"math"
	"math/rand/v2"

	"github.com/oaif/oaif/oaif/engine"
)

// Bounds of a request's settings.
const (
	maxChoices  = 128
	maxStops    = 16
	maxStopSize = 256  // bytes
	coldest     = 1e-3 // colder is greedy in all but name
	hottest     = 1e3  // hotter is noise
)

// common is what the bodies of both kinds of requests have.
type common struct {
	Model         *string        `json:"model"`
	MaxTokens     *int           `json:"max_tokens"`
	MinTokens     *int           `json:"min_tokens"`
	Temperature   *float64       `json:"temperature"`
	TopP          *float64       `json:"top_p"`
	TopK          *int           `json:"top_k"`
	N             *int           `json:"n"`
	Seed          *int64         `json:"seed"`
	Stop          stops          `json:"stop"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options"`
}

type streamOptions struct {
	IncludeUsage       bool  `json:"include_usage"`
	IncludeObfuscation *bool `json:"include_obfuscation"` // of no meaning here
}

// stops is one stop string or several.
type stops []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stops) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*s = stops{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(s))
}

// prompt is one prompt of a request.
type prompt struct {
	ids   []int32
	text  string // what echo shows
	added int    // ids before those of the text: a begin token that the model wants
}

// asked is what a body of either kind asks for.
type asked struct {
	chat          bool
	prompts       []prompt
	choices       int // of each prompt
	echo          bool
	logprobs      bool
	top           int
	stops         []string
	stream, usage bool
	engine.Request
}

// settings checks what both kinds of requests have and returns it, without the prompts. newTokens
// is how many are drawn where the request does not say, -1 for as many as there is room for.
func (c *common) settings(name string, newTokens int) (*asked, *failure) {
	if c.Model != nil && *c.Model != name {
		f := invalidf("model", "there is no %q, only %q", brief(*c.Model), name)
		f.status, f.code = 404, "model_not_found"
		return nil, f
	}
	a := &asked{choices: or(c.N, 1), stops: c.Stop, stream: c.Stream}
	a.MaxNew, a.MinNew = or(c.MaxTokens, newTokens), or(c.MinTokens, 0)
	a.Temperature, a.TopP, a.TopK = or(c.Temperature, 1), or(c.TopP, 1), or(c.TopK, 0)
	a.Seed = rand.Uint64()
	if c.Seed != nil {
		a.Seed = uint64(*c.Seed)
	}
	if o := c.StreamOptions; o != nil {
		if !c.Stream {
			return nil, invalidf("stream_options", "is for streams only")
		}
		a.usage = o.IncludeUsage
	}
	if f := a.checkNumbers(c.MaxTokens != nil); f != nil {
		return nil, f
	}
	return a, checkStops(c.Stop)
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func (a *asked) checkNumbers(maxGiven bool) *failure {
	switch t := a.Temperature; {
	case t != 0 && !(t >= coldest && t <= hottest):
		return invalidf("temperature", "wants 0 or a number in [%v,%v], got %v", coldest, hottest,
			t)
	case !(a.TopP >= 0 && a.TopP <= 1):
		return invalidf("top_p", "wants a number in [0,1], got %v", a.TopP)
	case a.TopK < -1 || a.TopK > math.MaxInt32:
		return invalidf("top_k", "wants a number of tokens, or 0 or -1 for all, got %d", a.TopK)
	case a.choices < 1 || a.choices > maxChoices:
		return invalidf("n", "wants a number in [1,%d], got %d", maxChoices, a.choices)
	case maxGiven && a.MaxNew < 0:
		return invalidf("max_tokens", "wants at least 0, got %d", a.MaxNew)
	case a.MinNew < 0:
		return invalidf("min_tokens", "wants at least 0, got %d", a.MinNew)
	}
	a.TopK = max(a.TopK, 0)
	a.TopP = max(a.TopP, leastTopP)
	return nil
}

// leastTopP is a top_p that leaves nothing but the likeliest token, as 0 does.
const leastTopP = 1e-6

func checkStops(given []string) *failure {
	if len(given) > maxStops {
		return invalidf("stop", "has %d strings, at most %d are possible", len(given), maxStops)
	}
	for _, s := range given {
		if s == "" || len(s) > maxStopSize {
			return invalidf("stop", "wants strings of 1 to %d bytes, got one of %d", maxStopSize,
				len(s))
		}
	}
	return nil
}

// fit fills in how many tokens are drawn, given what length prompt and answer may have together.
func (a *asked) fit(length int) *failure {
	longest := 0
	for _, p := range a.prompts {
		longest = max(longest, len(p.ids))
	}
	if a.MaxNew < 0 {
		a.MaxNew = max(1, length-longest)
	}
	switch {
	case a.MaxNew > length-longest:
		f := invalidf("", "a prompt of %d tokens and %d new ones exceed the %d tokens that a "+
			"request may have", longest, a.MaxNew, length)
		f.code = "context_length_exceeded"
		return f
	case a.MinNew > a.MaxNew:
		return invalidf("min_tokens", "wants at most max_tokens, %d, got %d", a.MaxNew, a.MinNew)
	}
	return nil
}

// requests returns what is asked of the engine: the choices of every prompt in turn.
func (a *asked) requests() []engine.Request {
	var out []engine.Request
	for i, p := range a.prompts {
		for choice := range a.choices {
			r := a.Request
			r.IDs, r.Index, r.Choice = p.ids, i, choice
			r.Prompt = a.echo && a.logprobs
			if a.logprobs {
				r.Top = a.top
			}
			out = append(out, r)
		}
	}
	return out
}
