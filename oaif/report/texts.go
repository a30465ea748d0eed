package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/oaif/oaif/oaif"
)

// shownPrompts is the number of prompts in the before/after table.
const shownPrompts = 12

// textTable sets the starting model's answers beside the trained model's.
type textTable struct {
	Step, Of int
	Rows     []textRow
}

type textRow struct {
	Number                   int // the prompt's 0-based index in its file
	Prompt, Baseline, Answer string
	Verdicts                 []verdict
	Earlier                  []earlier
}

// verdict is a judge's word on a row, from the trained model's point of view.
type verdict struct{ Judge, Word, Note string }

// earlier is the answer at an evaluation before the last.
type earlier struct {
	Step   int
	Answer string
}

// textTable takes every k-th prompt of the last evaluation, so that nobody picked them.
func (r *records) textTable() *textTable {
	if len(r.texts) == 0 {
		return nil
	}
	last := r.texts[len(r.texts)-1]
	t := &textTable{Step: last.step, Of: len(last.rows)}
	n := min(shownPrompts, len(last.rows))
	for i := range n {
		row := last.rows[i*len(last.rows)/n]
		t.Rows = append(t.Rows, textRow{row.Index, strings.TrimSpace(row.Prompt),
			strings.TrimSpace(row.Baseline), strings.TrimSpace(row.Answer),
			row.verdicts(), r.earlier(row.Index)})
	}
	return t
}

func (r *records) earlier(index int) []earlier {
	var list []earlier
	for _, texts := range r.texts[:len(r.texts)-1] {
		for _, row := range texts.rows {
			if row.Index == index {
				list = append(list, earlier{texts.step, strings.TrimSpace(row.Answer)})
			}
		}
	}
	return list
}

func (row *evalRow) verdicts() []verdict {
	var list []verdict
	for _, judge := range slices.Sorted(maps.Keys(row.Judges)) {
		result := row.Judges[judge]
		v := verdict{Judge: judge, Word: "unreadable"}
		switch result.Verdict {
		case oaif.VerdictA:
			v.Word = "win"
		case oaif.VerdictB:
			v.Word = "loss"
		case oaif.VerdictTie:
			v.Word = "tie"
		}
		switch {
		case result.Score != nil && result.BaselineScore != nil:
			v.Note = number(*result.BaselineScore) + " → " + number(*result.Score)
		case result.PA != nil && result.Verdict != oaif.VerdictInvalid:
			v.Note = "p = " + number(*result.PA)
		}
		list = append(list, v)
	}
	return list
}
