package annotator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/tomlfile"
)

// Spec describes an annotator; it is what an annotator's TOML file says. A Spec must not be changed
// after New.
type Spec struct {
	// Kind is one of the kinds above; most keys belong to some of them only.
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
	// Prompt is the template of the text whose next token is the verdict, or that is scored. For a
	// reward model with Chat it is the turn that the answer replies to.
	Prompt string `toml:"prompt" json:"prompt"`
	// Positive and Negative are the two next tokens compared by a pointwise annotator; an answer's
	// score is log P(Positive) - log P(Negative) in nats.
	Positive string `toml:"positive" json:"positive"`
	Negative string `toml:"negative" json:"negative"`
	// Labels are the two next tokens with which a pairwise annotator names the answer in slot 1
	// and 2.
	Labels []string `toml:"labels" json:"labels"`
	// Command is the program of a Command annotator and its arguments.
	Command []string `toml:"command" json:"command,omitempty"`
	// Timeout is the longest wait for the Command's next answer while a question is open.
	Timeout time.Duration `toml:"timeout" json:"-"`
	// Rule, Prefer, Unit and Pattern make a Rule; see NewRule.
	Rule    string `toml:"rule" json:"rule,omitempty"`
	Prefer  string `toml:"prefer" json:"prefer,omitempty"`
	Unit    string `toml:"unit" json:"unit,omitempty"`
	Pattern string `toml:"pattern" json:"pattern,omitempty"`
	// TieMargin is the largest distance of P(a better) from one half that still counts as a tie, in
	// [0,.5).
	TieMargin float64 `toml:"tie_margin" json:"tie_margin"`

	path           string
	prompt, system *template
	pattern        *regexp.Regexp // of a Rule with a Pattern
}

// Load reads the Spec in the TOML file path. Unknown keys, keys of another kind and broken
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

// written says that verdicts are read from text.
func (s *Spec) written() bool { return s.Remote != nil && s.Remote.Answers == AnswerText }

// OnDevice says that the annotator computes where the policy does, with a model that must be
// loaded.
func (s *Spec) OnDevice() bool {
	return s.Remote == nil && (s.Kind == Pointwise || s.Kind == Pairwise || s.Kind == Reward)
}

// ScoresAlone says that each answer gets a score of its own, whatever it is compared with.
func (s *Spec) ScoresAlone() bool {
	return s.Kind == Pointwise || s.Kind == Reward || s.Kind == Lexicon || s.Kind == Rule
}

// Candidates returns the two next tokens that are compared; nil for a kind without any.
func (s *Spec) Candidates() []string {
	switch s.Kind {
	case Pairwise:
		return s.Labels
	case Pointwise:
		return []string{s.Positive, s.Negative}
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
