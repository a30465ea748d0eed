package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// request is one line to the program.
type request struct {
	ID     int64             `json:"id"`
	Prompt string            `json:"prompt"`
	A      string            `json:"a"`
	B      string            `json:"b"`
	Fields map[string]string `json:"fields"`
}

// line returns the request with its line end.
func (r request) line() ([]byte, error) {
	if r.Fields == nil {
		r.Fields = map[string]string{} // an object, not null
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(r)
	return out.Bytes(), err
}

// reply is one line of the program.
type reply struct {
	ID      *int64   `json:"id"`
	Verdict *string  `json:"verdict"`
	PA      *float64 `json:"p_a"`
	ScoreA  *float64 `json:"score_a"`
	ScoreB  *float64 `json:"score_b"`
	Invalid *string  `json:"invalid"`
}

// errTwoAnswers refuses a line that could be read in two ways, or in none.
var errTwoAnswers = errors.New(
	"it must have exactly one of verdict, p_a, score_a with score_b, and invalid")

// parseReply reads a line. Keys that are not known are refused: a misspelt one must not go unseen.
func parseReply(line []byte) (r reply, err error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return r, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("there is more than one value in the line")
	}
	if r.ID == nil {
		return r, errors.New("it has no id")
	}
	answers := 0
	for _, there := range []bool{r.Verdict != nil, r.PA != nil, r.ScoreA != nil, r.Invalid != nil} {
		if there {
			answers++
		}
	}
	if answers != 1 || (r.ScoreA == nil) != (r.ScoreB == nil) {
		return r, errTwoAnswers
	}
	return r, r.check()
}

// check refuses values that say nothing.
func (r reply) check() error {
	if r.PA != nil && !(*r.PA >= 0 && *r.PA <= 1) {
		return fmt.Errorf("p_a is %v; it must be in [0,1]", *r.PA)
	}
	if r.Verdict != nil {
		switch oaif.Verdict(*r.Verdict) {
		case oaif.VerdictA, oaif.VerdictB, oaif.VerdictTie:
		default:
			return fmt.Errorf("verdict is %q; it must be \"a\", \"b\" or \"tie\"", *r.Verdict)
		}
	}
	return nil
}

// preference turns the reply into a verdict. A verdict without a probability has that of 1, one
// half or 0.
func (r reply) preference(spec *annotator.Spec) oaif.Preference {
	switch {
	case r.Invalid != nil:
		reason := *r.Invalid
		if reason == "" {
			reason = "the command gives no reason"
		}
		return oaif.Preference{Verdict: oaif.VerdictInvalid, Reason: reason}
	case r.PA != nil:
		return spec.Verdict(oaif.Preference{PA: *r.PA})
	case r.ScoreA != nil:
		return spec.Compare(annotator.Score{Value: *r.ScoreA}, annotator.Score{Value: *r.ScoreB})
	}
	sure := map[oaif.Verdict]float64{oaif.VerdictA: 1, oaif.VerdictTie: .5}
	return spec.Verdict(oaif.Preference{PA: sure[oaif.Verdict(*r.Verdict)]})
}
