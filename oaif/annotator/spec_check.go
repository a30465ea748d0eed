package annotator

import (
	"slices"
	"strings"
)

// checkValues refuses values that no annotator of the kind can have.
func (s *Spec) checkValues() error {
	if s.Prompt == "" && s.Kind != Command {
		return s.errorf("key \"prompt\" is missing or empty")
	}
	if !(s.TieMargin >= 0 && s.TieMargin < .5) {
		return s.errorf("tie_margin is %v; it must be at least 0 and below 0.5", s.TieMargin)
	}
	switch s.Kind {
	case Reward:
		if s.Model == "" {
			return s.errorf("key \"model\" is missing or empty; it must be the folder of a " +
				"reward model")
		}
		return nil
	case Command:
		return s.checkCommand()
	case Rule:
		return s.checkRule()
	case Lexicon:
		return nil
	}
	if err := s.checkRemote(); err != nil {
		return err
	}
	return s.checkCandidates()
}

func (s *Spec) checkRemote() error {
	if s.Remote == nil {
		return nil
	}
	if err := s.Remote.check(); err != nil {
		return s.errorf("%v", err)
	}
	if s.Kind == Pointwise && s.Chat && !s.written() {
		return s.errorf("kind = %q with chat = true: no endpoint scores a given text behind a "+
			"chat template; set chat = false, or remote.answers = %q", Pointwise,
			AnswerText)
	}
	return nil
}

func (s *Spec) checkCandidates() error {
	c := s.Candidates()
	switch {
	case len(c) != 2:
		return s.errorf("labels has %d entries; it must have 2, such as [\"1\", \"2\"]", len(c))
	case slices.Contains(c, ""):
		return s.errorf("verdict tokens %q: none may be empty", c)
	case c[0] == c[1]:
		return s.errorf("verdict tokens %q: they must differ", c)
	case s.Kind != Pairwise || s.Remote == nil: // exact tokens
		return nil
	}
	one, two := strings.TrimSpace(c[0]), strings.TrimSpace(c[1])
	if one == "" || two == "" || one == two {
		return s.errorf("labels %q: an endpoint's are read without the spaces around them, and "+
			"must differ then", c)
	}
	return nil
}

func (s *Spec) checkCommand() error {
	switch {
	case len(s.Command) == 0 || s.Command[0] == "":
		return s.errorf("key \"command\" is missing or empty; it must be like " +
			"[\"python3\", \"judge.py\"]")
	case slices.ContainsFunc(s.Command, func(arg string) bool {
		return strings.ContainsRune(arg, 0)
	}):
		return s.errorf("command has a zero byte, which no argument can have")
	case s.Timeout <= 0:
		return s.errorf("timeout is %v; it must be above 0", s.Timeout)
	}
	return nil
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
	needs, bans := s.answerFields()
	for _, field := range needs {
		if !s.prompt.uses(field) {
			return s.errorf("prompt does not show {%s}, as kind = %q must", field, s.Kind)
		}
	}
	for _, field := range bans {
		if s.prompt.uses(field) || s.system.uses(field) {
			return s.errorf("{%s} cannot be used with kind = %q%s", field, s.Kind, s.whyNot(field))
		}
	}
	return nil
}

// answerFields returns the fields of answers that the prompt must show and those that no template
// may.
func (s *Spec) answerFields() (needs, bans []string) {
	alone, both := []string{"response"}, []string{"a", "b"}
	switch {
	case s.Kind == Pairwise:
		return both, alone
	case s.Kind == Command:
		return nil, nil // it has no template
	case s.Kind == Reward && s.Chat:
		return nil, append(alone, both...)
	}
	return alone, both
}

func (s *Spec) whyNot(field string) string {
	if field == "response" && s.Kind == Reward {
		return " and chat = true: the answer is the turn after the prompt"
	}
	return ""
}
