// Package annotator asks a language model which of two texts is better.
//
// A Spec (a TOML file) and an LM go in, an oaif.Annotator comes out: texts of a prompt and two
// answers in, one oaif.Preference per question out. Pointwise scores each answer alone; pairwise is
// the paper's way (arXiv 2402.04792, after Lee et al. 2309.00267): both orders, next-token
// log-probs of two labels, mean of the two probabilities, argmax. A Journal stores every verdict
// before it is returned.
//
// The package knows no tokenizer, no tensors and no run folder: the LM is an interface and all it
// sees is text. Errors in a Spec are usage errors, errors in a journal are data errors (see package
// oaif); a verdict that cannot be read is oaif.VerdictInvalid, never an error and never a guess.
package annotator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/xrash/smetrics"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tomlfile"
)

// The two kinds of annotator.
const (
	Pointwise = "pointwise" // each answer scored alone
	Pairwise  = "pairwise"  // both answers shown, in both orders
)

// Spec describes an annotator; it is what an annotator's TOML file says. A Spec must not be changed
// after New.
type Spec struct {
	// Kind is Pointwise or Pairwise.
	Kind string `toml:"kind" json:"kind"`
	// Model is the path of the annotator's model; "" means the frozen reference.
	Model string `toml:"model" json:"-"`
	// Remote is the endpoint that is asked instead of a Model; nil: none.
	Remote *Remote `toml:"remote" json:"remote,omitempty"`
	// Chat says that the rendered prompt is one user turn, put through the model's chat template.
	Chat bool `toml:"chat" json:"chat"`
	// System is the system turn that goes before it, a template like Prompt; "" means none. Only
	// with Chat.
	System string `toml:"system" json:"system"`
	// Prompt is the template of the text whose next token is the verdict.
	Prompt string `toml:"prompt" json:"prompt"`
	// Positive and Negative are the two next tokens compared by a pointwise annotator; an answer's
	// score is log P(Positive) - log P(Negative) in nats.
	Positive string `toml:"positive" json:"positive"`
	Negative string `toml:"negative" json:"negative"`
	// Labels are the two next tokens with which a pairwise annotator names the answer in slot 1
	// and 2.
	Labels []string `toml:"labels" json:"labels"`
	// TieMargin is the largest distance of P(a better) from one half that still counts as a tie, in
	// [0,.5).
	TieMargin float64 `toml:"tie_margin" json:"tie_margin"`

	path           string
	prompt, system *template
}

// Load reads the Spec in the TOML file path. Unknown keys, keys of the other kind and broken
// templates are refused with a usage error that names file and key.
func Load(path string) (*Spec, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, oaif.UsageError(fmt.Sprintf("annotator file cannot be read: %v", err))
	}
	return parse(path, string(text))
}

// parse is Load on text that was read from path.
func parse(path, text string) (*Spec, error) {
	remote := remoteDefaults()
	s := &Spec{path: path, Remote: &remote}
	md, err := tomlfile.Decode(path, text, s)
	if err != nil {
		return nil, err
	}
	if !md.IsDefined("remote") {
		s.Remote = nil
	}
	if extra := md.Undecoded(); len(extra) > 0 {
		key := extra[0].String()
		return nil, s.errorf("unknown key %q (did you mean %q?)", key, nearest(key))
	}
	if err := s.checkKeys(md); err != nil {
		return nil, err
	}
	s.fillDefaults(md)
	if err := s.checkValues(); err != nil {
		return nil, err
	}
	return s, s.compile()
}

// ID names what decides a verdict, for Journaled: the Spec's prompts, tokens and rules, and the
// digest of what is asked.
func (s *Spec) ID(digest string) (string, error) {
	text, err := json.Marshal(struct {
		Spec  *Spec  `json:"spec"`
		Model string `json:"model"`
	}{s, digest})
	if err != nil {
		return "", fmt.Errorf("annotator id: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Path returns the file that the Spec was loaded from.
func (s *Spec) Path() string { return s.path }

func (s *Spec) errorf(format string, args ...any) error {
	return oaif.UsageError(s.path + ": " + fmt.Sprintf(format, args...))
}

// checkKeys refuses keys that the chosen kind does not read, so that nothing set is silently
// without effect.
func (s *Spec) checkKeys(md toml.MetaData) error {
	if s.Kind != Pointwise && s.Kind != Pairwise {
		return s.errorf("kind is %q; it must be %q or %q", s.Kind, Pointwise, Pairwise)
	}
	others := []string{"labels"}
	if s.Kind == Pairwise {
		others = []string{"positive", "negative"}
	}
	if s.written() && s.Kind == Pointwise {
		others = append(others, "positive", "negative")
	}
	for _, key := range others {
		if md.IsDefined(key) {
			return s.errorf("key %q has no effect with kind = %q; delete it", key, s.Kind)
		}
	}
	if s.Remote != nil && md.IsDefined("model") {
		return s.errorf("key \"model\" has no effect with [remote]; delete it, and see remote.model")
	}
	if s.Remote != nil && !s.written() && md.IsDefined("remote", "max_new_tokens") {
		return s.errorf("key \"remote.max_new_tokens\" has no effect without remote.answers = %q; "+
			"delete it", Text)
	}
	if md.IsDefined("system") && !s.Chat {
		return s.errorf("key \"system\" has no effect without chat = true; delete it")
	}
	return nil
}

// fillDefaults sets the verdict tokens that the file leaves out.
func (s *Spec) fillDefaults(md toml.MetaData) {
	if s.Kind == Pairwise {
		if !md.IsDefined("labels") {
			s.Labels = []string{"1", "2"}
		}
		return
	}
	if !md.IsDefined("positive") {
		s.Positive = " positive"
	}
	if !md.IsDefined("negative") {
		s.Negative = " negative"
	}
}

func (s *Spec) checkValues() error {
	if s.Prompt == "" {
		return s.errorf("key \"prompt\" is missing or empty")
	}
	if !(s.TieMargin >= 0 && s.TieMargin < .5) {
		return s.errorf("tie_margin is %v; it must be at least 0 and below 0.5", s.TieMargin)
	}
	if s.Remote != nil {
		if err := s.Remote.check(); err != nil {
			return s.errorf("%v", err)
		}
		if s.Kind == Pointwise && s.Chat && !s.written() {
			return s.errorf("kind = %q with chat = true: no endpoint scores a given text behind a "+
				"chat template; set chat = false, or remote.answers = %q", Pointwise, Text)
		}
	}
	c := s.Candidates()
	switch {
	case len(c) != 2:
		return s.errorf("labels has %d entries; it must have 2, such as [\"1\", \"2\"]", len(c))
	case slices.Contains(c, ""):
		return s.errorf("verdict tokens %q: none may be empty", c)
	case c[0] == c[1]:
		return s.errorf("verdict tokens %q: they must differ", c)
	}
	return nil
}

// written says that verdicts are read from text.
func (s *Spec) written() bool { return s.Remote != nil && s.Remote.Answers == Text }

// OnDevice says that the annotator computes where the policy does, with a model that must be
// loaded.
func (s *Spec) OnDevice() bool { return s.Remote == nil }

// Candidates returns the two next tokens that are compared.
func (s *Spec) Candidates() []string {
	if s.Kind == Pairwise {
		return s.Labels
	}
	return []string{s.Positive, s.Negative}
}

// compile parses the templates and checks that the prompt shows the answers in the way of its kind.
func (s *Spec) compile() error {
	var err error
	if s.prompt, err = parseTemplate(s.Prompt); err != nil {
		return s.errorf("prompt: %v", err)
	}
	if s.system, err = parseTemplate(s.System); err != nil {
		return s.errorf("system: %v", err)
	}
	needs, bans := []string{"response"}, []string{"a", "b"}
	if s.Kind == Pairwise {
		needs, bans = bans, needs
	}
	for _, field := range needs {
		if !s.prompt.uses(field) {
			return s.errorf("prompt does not show {%s}, as kind = %q must", field, s.Kind)
		}
	}
	for _, field := range bans {
		if s.prompt.uses(field) || s.system.uses(field) {
			return s.errorf("{%s} cannot be used with kind = %q", field, s.Kind)
		}
	}
	return nil
}

// CheckFields says which field the templates show that a prompt record lacks; nil when they have
// all.
func (s *Spec) CheckFields(record map[string]string) error {
	answers := map[string]string{"response": "", "a": "", "b": ""}
	for _, t := range []*template{s.prompt, s.system} {
		if _, err := t.render(answers, record); err != nil {
			return s.fieldError(err, record)
		}
	}
	return nil
}

// fieldError says which file shows which field that the prompt record lacks.
func (s *Spec) fieldError(err error, record map[string]string) error {
	var unknown *unknownField
	if !errors.As(err, &unknown) {
		return err
	}
	has := strings.Join(slices.Sorted(maps.Keys(record)), ", ")
	return s.errorf("the template shows {%s}, but the prompt record has no field %q (it has: %s)",
		unknown.name, unknown.name, has)
}

// nearest returns the known key with the smallest edit distance to key.
func nearest(key string) string {
	known := []string{"kind", "model", "chat", "system", "prompt", "positive", "negative",
		"labels", "tie_margin", "remote", "remote.url", "remote.model", "remote.key_env",
		"remote.answers", "remote.max_new_tokens", "remote.concurrency", "remote.requests_per_minute", "remote.tokens_per_minute",
		"remote.timeout", "remote.retries", "remote.price_in", "remote.price_out",
		"remote.max_tokens", "remote.max_cost"}
	return slices.MinFunc(known, func(x, y string) int {
		return smetrics.WagnerFischer(key, x, 1, 1, 1) - smetrics.WagnerFischer(key, y, 1, 1, 1)
	})
}
