package annotator

import (
	"context"
	"fmt"
	"math"

	"github.com/oaif/oaif/oaif"
)

// LM is the language model behind an annotator. It must be safe for concurrent use.
type LM interface {
	// NextLogprobs returns, for each text, the log-prob in nats (temperature 1, computed in fp32)
	// with which each candidate comes next: [len(texts)][len(candidates)]. A candidate that is not
	// exactly one token is an error.
	NextLogprobs(ctx context.Context, texts, candidates []string) ([][]float64, error)
	// Digest names the model's weights, for the key under which verdicts are stored.
	Digest() string
	// ChatPrompt returns the model's chat template's rendering of a system turn (left out when it
	// is "") and a user turn, ready for the assistant's turn.
	ChatPrompt(system, user string) (string, error)
}

// ReasonIdentical is the Reason of a tie that was not asked about because both texts are the same.
const ReasonIdentical = "identical"

// maxLogprob is the largest log-prob accepted as one: above 0 only by rounding.
const maxLogprob = 1e-4

// New returns the annotator that spec describes, asking lm. It is safe for concurrent use.
func New(spec *Spec, lm LM) (oaif.Annotator, error) {
	if spec == nil || spec.prompt == nil {
		return nil, oaif.UsageError("annotator: the Spec was not made by Load")
	}
	return &local{spec, lm}, nil
}

// local asks a language model in this process.
type local struct {
	spec *Spec
	lm   LM
}

// Annotate implements oaif.Annotator. Two LM prompts are made per question whose texts differ: a's
// and b's (pointwise), or a shown first and b shown first (pairwise). All go to the LM in one call.
func (l *local) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	prefs := make([]oaif.Preference, len(questions))
	var texts []string
	var asked []int // index into questions of each two texts
	for i, q := range questions {
		if q.A == q.B {
			prefs[i] = oaif.Preference{Verdict: oaif.VerdictTie, PA: .5, Reason: ReasonIdentical}
			continue
		}
		two, err := l.prompts(q)
		if err != nil {
			return nil, err
		}
		texts, asked = append(texts, two[0], two[1]), append(asked, i)
	}
	if len(texts) == 0 {
		return prefs, nil
	}
	logprobs, err := l.lm.NextLogprobs(ctx, texts, l.spec.Candidates())
	if err != nil {
		return nil, fmt.Errorf("annotator: %w", err)
	}
	if err := checkShape(logprobs, len(texts)); err != nil {
		return nil, err
	}
	for k, i := range asked {
		prefs[i] = l.judge(logprobs[2*k], logprobs[2*k+1])
	}
	return prefs, nil
}

// prompts returns the question's two LM prompts.
func (l *local) prompts(q oaif.Question) ([2]string, error) {
	shown := [2]map[string]string{{"response": q.A}, {"response": q.B}}
	if l.spec.Kind == Pairwise {
		shown = [2]map[string]string{{"a": q.A, "b": q.B}, {"a": q.B, "b": q.A}}
	}
	var two [2]string
	for i, answers := range shown {
		text, err := l.render(answers, q.Fields)
		if err != nil {
			return two, err
		}
		two[i] = text
	}
	return two, nil
}

func (l *local) render(answers, record map[string]string) (string, error) {
	user, err := l.spec.prompt.render(answers, record)
	if err != nil {
		return "", l.spec.fieldError(err, record)
	}
	if !l.spec.Chat {
		return user, nil
	}
	system, err := l.spec.system.render(answers, record)
	if err != nil {
		return "", l.spec.fieldError(err, record)
	}
	text, err := l.lm.ChatPrompt(system, user)
	if err != nil {
		return "", fmt.Errorf("%s: chat prompt: %w", l.spec.path, err)
	}
	return text, nil
}

// judge turns the log-probs of the two candidates after each of a question's two LM prompts into a
// Preference.
func (l *local) judge(first, second []float64) oaif.Preference {
	for i, row := range [][]float64{first, second} {
		for c, lp := range row {
			if math.IsNaN(lp) || math.IsInf(lp, 0) || lp > maxLogprob {
				return oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: fmt.Sprintf(
					"log-prob of %q %s is %v", l.spec.Candidates()[c], l.where(i), lp)}
			}
		}
	}
	d1, d2 := first[0]-first[1], second[0]-second[1]
	if l.spec.Kind == Pairwise {
		// Mean of P(a) over the two orders, a in slot 1 and then in slot 2: (p1 + (1-p2))/2,
		// written so that p1 = p2 gives exactly one half.
		p1, p2 := sigmoid(d1), sigmoid(d2)
		return l.decide(oaif.Preference{
			PA:     .5 + (p1-p2)/2,
			Orders: []oaif.Order{{First: "a", PFirst: p1}, {First: "b", PFirst: p2}},
		})
	}
	return l.decide(oaif.Preference{PA: sigmoid(d1 - d2), ScoreA: d1, ScoreB: d2})
}

// where names a question's first or second LM prompt.
func (l *local) where(i int) string {
	if l.spec.Kind == Pairwise {
		return [...]string{"with a shown first", "with b shown first"}[i]
	}
	return [...]string{"for answer a", "for answer b"}[i]
}

// decide sets the verdict from PA alone, so that a stored Preference can be checked by its reader.
func (l *local) decide(p oaif.Preference) oaif.Preference {
	switch {
	case math.Abs(p.PA-.5) <= l.spec.TieMargin:
		p.Verdict = oaif.VerdictTie
	case p.PA > .5:
		p.Verdict = oaif.VerdictA
	default:
		p.Verdict = oaif.VerdictB
	}
	return p
}

// sigmoid of a difference of two log-probs is their softmax's first probability.
func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func checkShape(logprobs [][]float64, rows int) error {
	if len(logprobs) != rows {
		return fmt.Errorf("annotator: the LM answered %d of %d prompts", len(logprobs), rows)
	}
	for _, row := range logprobs {
		if len(row) != 2 {
			return fmt.Errorf("annotator: the LM gave %d log-probs for 2 candidates", len(row))
		}
	}
	return nil
}
