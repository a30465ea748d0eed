package annotator

import (
	"context"
	"fmt"
	"math"

	"github.com/oaif/oaif/oaif"
)

// maxLogprob is the largest log-prob accepted as one: above 0 only by rounding.
const maxLogprob = 1e-4

// New returns the annotator of a Spec of kind Pointwise or Pairwise, asking lm. It is safe for
// concurrent use.
func New(spec *Spec, lm LM) (oaif.Annotator, error) {
	if err := spec.check(Pointwise, Pairwise); err != nil {
		return nil, err
	}
	return &judge{spec, lm.Plain, func(ctx context.Context, prompts []Prompt) ([]Next, error) {
		return lm.NextLogprobs(ctx, prompts, spec.Candidates())
	}}, nil
}

// NewWritten is New for a Spec with verdicts in words, which w writes.
func NewWritten(spec *Spec, w Writer) (oaif.Annotator, error) {
	if err := spec.check(Pointwise, Pairwise); err != nil {
		return nil, err
	}
	if !spec.written() {
		return nil, spec.errorf("nothing writes verdicts: remote.answers is not %q", AnswerText)
	}
	asIs := func(text string) string { return text }
	return &judge{spec, asIs, func(ctx context.Context, prompts []Prompt) ([]Next, error) {
		said, err := w.Write(ctx, prompts, spec.Remote.MaxNewTokens)
		out := make([]Next, len(said))
		for i, s := range said {
			out[i] = spec.read(s)
		}
		return out, err
	}}, nil
}

// judge makes verdicts of what a language model says.
type judge struct {
	spec  *Spec
	plain func(text string) string
	ask   func(ctx context.Context, prompts []Prompt) ([]Next, error)
}

// Annotate implements oaif.Annotator. Two LM prompts are made per question whose texts differ: a's
// and b's (pointwise), or a shown first and b shown first (pairwise). All go to the LM in one call.
func (j *judge) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	return Differing(questions, func(differ []oaif.Question) ([]oaif.Preference, error) {
		var prompts []Prompt
		for _, q := range differ {
			q.A, q.B = j.plain(q.A), j.plain(q.B)
			two, err := j.spec.Prompts(q)
			if err != nil {
				return nil, err
			}
			prompts = append(prompts, two[:]...)
		}
		said, err := j.ask(ctx, prompts)
		if err != nil {
			return nil, fmt.Errorf("annotator: %w", err)
		}
		if err := checkShape(said, len(prompts)); err != nil {
			return nil, err
		}
		prefs := make([]oaif.Preference, len(differ))
		for i := range prefs {
			prefs[i] = j.decide(said[2*i], said[2*i+1])
		}
		return prefs, nil
	})
}

// Prompts returns the question's two LM prompts.
func (s *Spec) Prompts(q oaif.Question) ([2]Prompt, error) {
	shown := [2]map[string]string{{"response": q.A}, {"response": q.B}}
	if s.Kind == Pairwise {
		shown = [2]map[string]string{{"a": q.A, "b": q.B}, {"a": q.B, "b": q.A}}
	}
	var two [2]Prompt
	for i, answers := range shown {
		text, err := s.prompt.render(answers, q.Fields)
		if err != nil {
			return two, s.fieldError(err, q.Fields)
		}
		two[i] = Prompt{Text: text, Chat: s.Chat}
		if two[i].System, err = s.system.render(answers, q.Fields); err != nil {
			return two, s.fieldError(err, q.Fields)
		}
	}
	return two, nil
}

// decide turns what was said after each of a question's two LM prompts into a Preference.
func (j *judge) decide(first, second Next) oaif.Preference {
	for i, said := range []Next{first, second} {
		if said.Reason != "" {
			return oaif.Preference{Verdict: oaif.VerdictInvalid,
				Reason: j.spec.where(i) + ": " + said.Reason}
		}
		for c, lp := range said.Logprobs {
			if math.IsNaN(lp) || math.IsInf(lp, 0) || lp > maxLogprob {
				return oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: fmt.Sprintf(
					"log-prob of %q %s is %v", j.spec.Candidates()[c], j.spec.where(i), lp)}
			}
		}
	}
	if j.spec.Kind == Pairwise {
		return j.spec.Verdict(oaif.Preference{
			PA:   overOrders(first, second),
			Text: first.text,
			Orders: []oaif.Order{{First: "a", PFirst: first.pFirst(), Bounded: first.Bounded},
				{First: "b", PFirst: second.pFirst(), Bounded: second.Bounded}},
		})
	}
	return j.spec.Compare(Score{Value: first.score()}, Score{Value: second.score()})
}

// where names a question's first or second LM prompt.
func (s *Spec) where(i int) string {
	if s.Kind == Pairwise {
		return [...]string{"with a shown first", "with b shown first"}[i]
	}
	return answerNames[i]
}

func checkShape(said []Next, prompts int) error {
	if len(said) != prompts {
		return fmt.Errorf("annotator: the LM answered %d of %d prompts", len(said), prompts)
	}
	for _, n := range said {
		if n.Reason == "" && !n.text && len(n.Logprobs) != 2 {
			return fmt.Errorf("annotator: the LM gave %d log-probs for 2 candidates",
				len(n.Logprobs))
		}
	}
	return nil
}
