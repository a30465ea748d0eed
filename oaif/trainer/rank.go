package trainer

import (
	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/config"
)

// scoreQuestions returns questions that show every text of a group. The annotator scores
// each answer alone, so that it does not matter which other one is beside it: two go into each
// question, and the last of an odd number is asked about beside the first. Answers that read the
// same are shown once; where all do, nothing is asked.
func scoreQuestions(g oaif.Group) []oaif.Question {
	var texts []string
	seen := map[string]bool{}
	for _, c := range g.Answers {
		if !seen[c.Text] {
			seen[c.Text] = true
			texts = append(texts, c.Text)
		}
	}
	if len(texts) < 2 {
		return nil
	}
	var out []oaif.Question
	for i := 0; i < len(texts); i += 2 {
		out = append(out, oaif.Question{Fields: g.Prompt.Fields, A: texts[i],
			B: texts[(i+1)%len(texts)]})
	}
	return out
}

// questionsPerPrompt is how many questions a step asks about each prompt, at most.
func questionsPerPrompt(cfg *config.Config) int {
	if ranks(cfg) {
		return (cfg.Sampler.Samples + 1) / 2 // see scoreQuestions
	}
	return 1
}

// rank makes a pair of the best and the worst answer of a group by what was said to its
// scoreQuestions. Where the best is no better than the worst, it is a tie. Answers whose score
// could not be read are not among them; where fewer than two texts are left, the verdict is
// invalid. scores are those of the answers, nil where there is none.
func (t *Trainer) rank(
	g oaif.Group, asked []oaif.Question, said []oaif.Preference,
) (p oaif.Pair, pref oaif.Preference, scores []*float64) {
	scores = make([]*float64, len(g.Answers))
	if len(asked) == 0 {
		return pair(g, 0, 1), annotator.Identical(), scores
	}
	byText, unread := scoresOf(asked, said)
	best, worst := -1, -1
	for i, c := range g.Answers {
		score, ok := byText[c.Text]
		if !ok {
			continue
		}
		scores[i] = &score
		if best < 0 || t.outranks(g, scores, i, best) {
			best = i
		}
		if worst < 0 || !t.outranks(g, scores, i, worst) {
			worst = i
		}
	}
	if len(byText) < 2 {
		return pair(g, 0, 1), oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: unread}, scores
	}
	p = pair(g, best, worst)
	return p, t.scored(p, *scores[p.Drawn[0]], *scores[p.Drawn[1]]), scores
}

// scored returns the verdict on a pair whose answers have these scores.
func (t *Trainer) scored(p oaif.Pair, a, b float64) oaif.Preference {
	if p.A.Text == p.B.Text {
		return annotator.Identical()
	}
	if pref, ok := t.decided(p); ok {
		pref.ScoreA, pref.ScoreB = a, b
		return pref
	}
	return t.files.spec.Compare(annotator.Score{Value: a}, annotator.Score{Value: b})
}

// outranks says whether answer i is better than answer k: by score, but with
// train.missing_eos_loses every answer that has ended is better than every one that was cut.
func (t *Trainer) outranks(g oaif.Group, scores []*float64, i, k int) bool {
	a, b := g.Answers[i].Finish, g.Answers[k].Finish
	if t.cfg.Train.MissingEOSLoses && a != b {
		return a == oaif.FinishEOS
	}
	return *scores[i] > *scores[k]
}

// scoresOf returns the score of each text that was read; unread says why another one was not.
func scoresOf(
	asked []oaif.Question, said []oaif.Preference,
) (byText map[string]float64, unread string) {
	byText = map[string]float64{}
	for i, q := range asked {
		p := said[i]
		if p.Verdict == oaif.VerdictInvalid {
			if unread == "" {
				unread = p.Reason
			}
			continue
		}
		if _, known := byText[q.A]; !known {
			byText[q.A] = p.ScoreA
		}
		if _, known := byText[q.B]; !known {
			byText[q.B] = p.ScoreB
		}
	}
	return byText, unread
}
