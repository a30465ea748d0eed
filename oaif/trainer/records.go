package trainer

import (
	"encoding/json"
	"time"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/eval"
	"github.com/oaif/oaif/torch"
)

// Metrics is a step's line in metrics.jsonl: nothing in it depends on time or machine load.
type Metrics struct {
	Step             int      `json:"step"`
	Loss             float64  `json:"loss"`
	RewardMargin     float64  `json:"reward_margin"`
	RewardAccuracy   float64  `json:"reward_accuracy"`
	AnnotatorScore   float64  `json:"annotator_score"` // see annotatorScore
	KL               float64  `json:"kl_nats"`         // sampled estimate, mean per answer
	Entropy          float64  `json:"entropy_nats"`    // mean per trained token
	CompletionTokens float64  `json:"completion_tokens"`
	EOSRate          float64  `json:"eos_rate"`
	TruncationRate   float64  `json:"truncation_rate"`
	Distinct2        float64  `json:"distinct2"`
	SamePositionRate *float64 `json:"same_position_rate,omitempty"` // pairwise annotators only
	Pairs            int      `json:"pairs"`
	Kept             int      `json:"kept"`
	SkippedIdentical int      `json:"skipped_identical"`
	SkippedTie       int      `json:"skipped_tie"`
	SkippedInvalid   int      `json:"skipped_invalid"`
	SkippedMargin    int      `json:"skipped_margin,omitempty"` // with train.min_margin
	MissingEOS       int      `json:"missing_eos,omitempty"`    // judged by train.missing_eos_loses
	GapMean          float64  `json:"logprob_gap_mean"`
	GapMax           float64  `json:"logprob_gap_max"`
	Staleness        int      `json:"staleness,omitempty"` // updates, with train.async
	LearningRate     float64  `json:"learning_rate"`
	GradNorm         float64  `json:"grad_norm"`
}

// pairRecord is a pair's line in pairs.jsonl.
type pairRecord struct {
	Step      int          `json:"step"`
	Index     int          `json:"index"`
	Prompt    string       `json:"prompt"`
	PromptIDs []int32      `json:"prompt_ids"`
	A         answerRecord `json:"a"`
	B         answerRecord `json:"b"`
	oaif.Preference
	Chosen  string `json:"chosen"`  // "a", "b" or ""
	Skipped string `json:"skipped"` // "", "identical", "tie", "invalid" or "margin"
	// Of more than two answers: which ones a and b are, and the scores by which they were chosen.
	Drawn  []int      `json:"drawn,omitempty"`
	Scores []*float64 `json:"scores,omitempty"`
}

type answerRecord struct {
	Text       string      `json:"text"`
	IDs        []int32     `json:"ids"`
	Logprobs   []float32   `json:"logprobs"`
	RefLogprob float64     `json:"ref_logprob"`
	Finish     oaif.Finish `json:"finish"`
}

// systemRecord is a line in system.jsonl: all that depends on time and machine.
type systemRecord struct {
	Step            int                `json:"step"`
	Time            string             `json:"time"`
	Seconds         float64            `json:"seconds"`
	Stages          map[string]float64 `json:"stage_seconds"`
	Annotator       float64            `json:"annotator_seconds,omitempty"`
	Used            *annotator.Usage   `json:"annotator_used,omitempty"`
	Tokens          int                `json:"tokens"`
	TokensPerSecond float64            `json:"tokens_per_second"`
	LiveHandles     int64              `json:"live_handles"`
	RSS             int64              `json:"rss_bytes"`
	PeakRSS         int64              `json:"peak_rss_bytes"`
	DevicePeak      int64              `json:"device_peak_bytes,omitempty"`
}

// record writes a step's lines and tells the watcher.
func (t *Trainer) record(n int, j *judging, ref [][2]float64, g gradient) error {
	var sampled []oaif.Completion
	for i, p := range j.pairs {
		line := t.pairLine(n, p, j.prefs[i], ref[i])
		if t.cfg.Sampler.Samples > 2 {
			line.Drawn, line.Scores = p.Drawn[:], j.scores[i]
		}
		if err := t.append(checkpoint.Pairs, line); err != nil {
			return err
		}
		sampled = append(sampled, j.groups[i].Answers...)
	}
	m, tokens := t.measure(n, sampled, j.pairs, j.prefs, ref, g)
	if err := t.append(checkpoint.Metrics, m); err != nil {
		return err
	}
	t.callOutPosition(j.prefs)
	sys, err := t.system(n, j.w, tokens)
	if err != nil {
		return err
	}
	t.observer.Step(m, sys.Seconds)
	return nil
}

// system writes the line of system.jsonl for the work that w timed.
func (t *Trainer) system(n int, w *watch, tokens int) (systemRecord, error) {
	s := systemRecord{
		Step: n, Time: time.Now().UTC().Format(time.RFC3339), Seconds: w.total(), Stages: w.stages,
		Tokens: tokens, LiveHandles: torch.LiveHandles(),
		RSS: residentBytes(), PeakRSS: peakResidentBytes(), Annotator: w.annotator.Seconds(),
		Used: t.ai.Usage(),
	}
	if s.Seconds > 0 {
		s.TokensPerSecond = float64(tokens) / s.Seconds
	}
	if t.dev.IsCUDA() {
		if err := t.dev.Do(func() { _, s.DevicePeak = t.dev.Memory() }); err != nil {
			return s, err
		}
	}
	return s, t.append(checkpoint.System, s)
}

func (t *Trainer) append(log string, record any) error {
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return t.run.Append(log, line)
}

// callOutPosition says in plain words that an annotator answers by position: once, after the step
// with which enough pairs were judged to tell.
func (t *Trainer) callOutPosition(prefs []oaif.Preference) {
	if t.state.Judged.Enough() {
		return
	}
	t.state.Judged.Add(prefs...)
	if text := t.state.Judged.Warning(); text != "" {
		t.observer.Warn(text)
	}
}

func (t *Trainer) pairLine(
	n int, p oaif.Pair, pref oaif.Preference, ref [2]float64,
) pairRecord {
	r := pairRecord{
		Step: n, Index: p.Prompt.Index, Prompt: p.Prompt.Text, PromptIDs: p.Prompt.IDs,
		Preference: pref, Skipped: t.skipped(pref), A: answer(p.A, ref[0]), B: answer(p.B, ref[1]),
	}
	if r.Skipped == "" {
		r.Chosen = string(pref.Verdict)
	}
	return r
}

func answer(c oaif.Completion, ref float64) answerRecord {
	return answerRecord{c.Text, c.IDs, c.Logprobs, ref, c.Finish}
}

// measure sums a step up: all answers that were sampled, and their pairs. tokens is how many were
// sampled.
func (t *Trainer) measure(
	n int, sampled []oaif.Completion, pairs []oaif.Pair, prefs []oaif.Preference,
	ref [][2]float64, g gradient,
) (m Metrics, tokens int) {
	m = Metrics{
		Step: n, Loss: g.loss, RewardMargin: g.margin, RewardAccuracy: g.accuracy,
		Pairs: len(pairs), Kept: g.kept, GapMax: g.gapMax, LearningRate: g.learningRate,
		GradNorm: g.norm, AnnotatorScore: t.annotatorScore(prefs), Staleness: g.staleness,
	}
	if g.tokens > 0 {
		m.Entropy, m.GapMean = g.entropySum/float64(g.tokens), g.gapSum/float64(g.tokens)
	}
	for i, p := range pairs {
		kl := sumLogprobs(p.A) - ref[i][0] + sumLogprobs(p.B) - ref[i][1]
		m.KL += kl / float64(2*len(pairs))
		t.count(&m, prefs[i])
	}
	l := eval.MeasureLengths(sampled)
	m.CompletionTokens, m.EOSRate, m.TruncationRate = l.MeanTokens, l.EOSRate, l.TruncationRate
	m.Distinct2 = eval.Distinct2(eval.IDs(sampled))
	var h annotator.Health
	h.Add(prefs...)
	if rate, ok := h.SamePositionRate(); ok {
		m.SamePositionRate = &rate
	}
	return m, l.Tokens
}

// count adds what became of a pair.
func (t *Trainer) count(m *Metrics, p oaif.Preference) {
	switch t.skipped(p) {
	case "identical":
		m.SkippedIdentical++
	case "tie":
		m.SkippedTie++
	case "invalid":
		m.SkippedInvalid++
	case "margin":
		m.SkippedMargin++
	}
	if p.Reason == reasonMissingEOS {
		m.MissingEOS++
	}
}

// annotatorScore is the mean score of all answers of an annotator that scores each alone; for any
// other one, the mean probability that it gives to the answer it prefers.
func (t *Trainer) annotatorScore(prefs []oaif.Preference) float64 {
	sum, count := 0.0, 0
	for _, p := range prefs {
		switch {
		case p.Verdict == oaif.VerdictInvalid || p.Reason == annotator.ReasonIdentical ||
			p.Reason == reasonMissingEOS: // not what the annotator says
		case len(p.Orders) > 0 || p.ScoreA == 0 && p.ScoreB == 0 && !t.files.spec.ScoresAlone():
			sum, count = sum+max(p.PA, 1-p.PA), count+1
		default:
			sum, count = sum+p.ScoreA+p.ScoreB, count+2
		}
	}
	if count == 0 {
		return 0
	}
	return sum / float64(count)
}

func sumLogprobs(c oaif.Completion) float64 {
	s := 0.0
	for _, l := range c.Logprobs {
		s += float64(l)
	}
	return s
}
