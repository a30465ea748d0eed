package eval_test

import (
	"math"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/eval"
)

func TestDistinct2(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers [][]int32
		want    float64
	}{
		{"none", nil, 0},
		{"single tokens", [][]int32{{1}, {2}, {}}, 0},
		{"all different", [][]int32{{1, 2, 3}, {3, 2, 1}}, 1},
		{"a loop", [][]int32{{1, 1, 1, 1, 1}}, .25},
		{"pooled over answers", [][]int32{{1, 2, 3}, {1, 2, 4}}, .75},
		{"not across answers", [][]int32{{1, 2}, {3, 4}, {2, 3}, {1, 2}}, .75},
	} {
		if got := eval.Distinct2(test.answers); got != test.want {
			t.Errorf("%s: Distinct2 = %v, want %v", test.name, got, test.want)
		}
	}
}

func TestDistinctShare(t *testing.T) {
	if got := eval.DistinctShare([]string{"x", "y", "x", ""}); got != .75 {
		t.Errorf("DistinctShare = %v, want .75", got)
	}
	if got := eval.DistinctShare(nil); got != 0 {
		t.Errorf("DistinctShare of nothing = %v, want 0", got)
	}
}

func TestPositionConcentration(t *testing.T) {
	// 40 answers. Position 0: all different. Position 1: token 7 in 12 of 40. Position 2 is reached
	// by 30, of them 15 have token 9 and 15 token 8. Position 3 is reached by 19, all with token 5:
	// too few.
	var answers [][]int32
	for i := range int32(40) {
		ids := []int32{100 + i, 200 + i}
		if i < 12 {
			ids[1] = 7
		}
		if i < 30 {
			ids = append(ids, 9-i%2)
		}
		if i < 19 {
			ids = append(ids, 5)
		}
		answers = append(answers, ids)
	}
	want := eval.Concentration{Share: .5, Position: 2, Token: 8, Count: 15, Reached: 30}
	if got := eval.PositionConcentration(answers); got != want {
		t.Errorf("PositionConcentration = %+v, want %+v", got, want)
	}
	if got := eval.PositionConcentration(answers[:19]); got != (eval.Concentration{}) {
		t.Errorf("of 19 answers = %+v, want nothing", got)
	}
}

func TestMeasureLengths(t *testing.T) {
	completions := []oaif.Completion{
		{IDs: []int32{4, 5, 2}, Finish: oaif.FinishEOS},
		{IDs: []int32{2}, Finish: oaif.FinishEOS},
		{IDs: []int32{4, 4, 4, 4, 4}, Finish: oaif.FinishLength},
	}
	got := eval.MeasureLengths(completions)
	if got.N != 3 || got.Tokens != 9 || got.MeanTokens != 3 ||
		math.Abs(got.EOSRate-2./3) > 1e-15 || math.Abs(got.TruncationRate-1./3) > 1e-15 {
		t.Errorf("MeasureLengths = %+v", got)
	}
	if got := eval.MeasureLengths(nil); got != (eval.Lengths{}) {
		t.Errorf("of nothing = %+v", got)
	}
	if ids := eval.IDs(completions); len(ids) != 3 || len(ids[2]) != 5 {
		t.Errorf("IDs = %v", ids)
	}
}
