package annotator

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/xrash/smetrics"

	"github.com/oaif/oaif/oaif"
)

// The kinds of annotators.
const (
	Pointwise = "pointwise" // a language model scores each answer alone
	Pairwise  = "pairwise"  // a language model is shown both answers, in both orders
	Reward    = "reward"    // a reward model scores each answer alone
	Command   = "command"   // a program of the user's is asked
	Lexicon   = "lexicon"   // VADER's word list scores each answer alone
	Rule      = "rule"      // length or a pattern scores each answer alone
)

// reads lists the keys of each kind beside kind and tie_margin, which all have.
var reads = []struct {
	kind string
	keys []string
}{
	{Pointwise, []string{"model", "remote", "chat", "system", "prompt", "positive", "negative"}},
	{Pairwise, []string{"model", "remote", "chat", "system", "prompt", "labels"}},
	{Reward, []string{"model", "chat", "system", "prompt"}},
	{Command, []string{"command", "timeout"}},
	{Lexicon, []string{"prompt"}},
	{Rule, []string{"prompt", "rule", "prefer", "unit", "pattern"}},
}

// check refuses a Spec that Load did not make, and one whose kind is none of kinds.
func (s *Spec) check(kinds ...string) error {
	switch {
	case s == nil || s.prompt == nil:
		return oaif.UsageError("annotator: the Spec was not made by Load")
	case !slices.Contains(kinds, s.Kind):
		return s.errorf("kind = %q cannot be used here; what can is %s", s.Kind, quoted(kinds))
	}
	return nil
}

// checkKeys refuses keys that the chosen kind does not read, so that nothing set is silently
// without effect.
func (s *Spec) checkKeys(md toml.MetaData) error {
	var kinds, own, all []string
	for _, r := range reads {
		kinds, all = append(kinds, r.kind), append(all, r.keys...)
		if r.kind == s.Kind {
			own = r.keys
		}
	}
	if own == nil {
		return s.errorf("kind is %q; it must be one of %s", s.Kind, quoted(kinds))
	}
	for _, key := range all {
		if md.IsDefined(key) && !slices.Contains(own, key) {
			return s.errorf("key %q has no effect with kind = %q; delete it", key, s.Kind)
		}
	}
	if s.Remote != nil && md.IsDefined("model") {
		return s.errorf("key \"model\" has no effect with [remote]; delete it, and see " +
			"remote.model")
	}
	if s.written() && (md.IsDefined("positive") || md.IsDefined("negative")) {
		return s.errorf("keys \"positive\" and \"negative\" have no effect with "+
			"remote.answers = %q; delete them", AnswerText)
	}
	if s.Remote != nil && !s.written() && md.IsDefined("remote", "max_new_tokens") {
		return s.errorf("key \"remote.max_new_tokens\" has no effect without remote.answers = %q; "+
			"delete it", AnswerText)
	}
	if md.IsDefined("system") && !s.Chat {
		return s.errorf("key \"system\" has no effect without chat = true; delete it")
	}
	return nil
}

// fillDefaults sets what the file leaves out.
func (s *Spec) fillDefaults(md toml.MetaData) {
	fill := func(key string, to *string, value string) {
		if !md.IsDefined(key) {
			*to = value
		}
	}
	switch s.Kind {
	case Pairwise:
		if !md.IsDefined("labels") {
			s.Labels = []string{"1", "2"}
		}
	case Pointwise:
		fill("positive", &s.Positive, " positive")
		fill("negative", &s.Negative, " negative")
	case Reward:
		shown := "{prompt}{response}"
		if s.Chat {
			shown = "{prompt}" // the response is the turn after it
		}
		fill("prompt", &s.Prompt, shown)
	case Lexicon, Rule:
		fill("prompt", &s.Prompt, "{response}")
		if s.Rule == lengthRule {
			fill("unit", &s.Unit, words)
		}
	case Command:
		if !md.IsDefined("timeout") {
			s.Timeout = time.Minute
		}
	}
}

// quoted lists names as "a", "b".
func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

// nearest returns the known key with the smallest edit distance to key.
func nearest(key string) string {
	known := []string{"kind", "tie_margin", "remote.url", "remote.model", "remote.key_env",
		"remote.answers", "remote.max_new_tokens", "remote.concurrency",
		"remote.requests_per_minute", "remote.tokens_per_minute",
		"remote.timeout", "remote.retries", "remote.price_in", "remote.price_out",
		"remote.max_tokens", "remote.max_cost"}
	for _, r := range reads {
		known = append(known, r.keys...)
	}
	return slices.MinFunc(known, func(x, y string) int {
		return smetrics.WagnerFischer(key, x, 1, 1, 1) - smetrics.WagnerFischer(key, y, 1, 1, 1)
	})
}
