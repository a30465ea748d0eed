package eval

import "github.com/oaif/oaif/oaif"

// minReached is the number of answers that must reach a position before a share of them means
// something.
const minReached = 20

// IDs returns the token ids of completions, as sampled: an EOS that stopped one is part of it.
func IDs(completions []oaif.Completion) [][]int32 {
	ids := make([][]int32, len(completions))
	for i, c := range completions {
		ids[i] = c.IDs
	}
	return ids
}

// Distinct2 returns the number of distinct bigrams of token ids over the number of all, pooled over
// answers, in [0,1]; bigrams do not cross from one answer to the next. It is 0 when there are none.
func Distinct2(answers [][]int32) float64 {
	seen := map[[2]int32]bool{}
	total := 0
	for _, ids := range answers {
		for i := 1; i < len(ids); i++ {
			seen[[2]int32{ids[i-1], ids[i]}] = true
			total++
		}
	}
	if total == 0 {
		return 0
	}
	return float64(len(seen)) / float64(total)
}

// DistinctShare returns the number of different texts over the number of all, in [0,1]; 0 without
// texts.
func DistinctShare(texts []string) float64 {
	if len(texts) == 0 {
		return 0
	}
	seen := map[string]bool{}
	for _, t := range texts {
		seen[t] = true
	}
	return float64(len(seen)) / float64(len(texts))
}

// Concentration is the token that fills one position of most answers.
type Concentration struct {
	Share    float64 `json:"share"`    // Count/Reached, in [0,1]
	Position int     `json:"position"` // 0-based, in tokens of the answer
	Token    int32   `json:"token"`    // its id
	Count    int     `json:"count"`    // answers with Token at Position
	Reached  int     `json:"reached"`  // answers that have a token at Position
}

// PositionConcentration returns the largest share that one token id has at any position, among the
// answers that reach the position; of equal shares the first position, then the smallest id.
// Positions that fewer than 20 answers reach are left out, as one answer there is already over 5 %;
// the zero value is returned when none is left.
func PositionConcentration(answers [][]int32) Concentration {
	var worst Concentration
	for position := 0; ; position++ {
		counts := map[int32]int{}
		reached := 0
		for _, ids := range answers {
			if position < len(ids) {
				counts[ids[position]]++
				reached++
			}
		}
		if reached < minReached {
			return worst // later positions are reached by no more answers
		}
		here := Concentration{Position: position, Reached: reached}
		for id, count := range counts {
			if count > here.Count || count == here.Count && id < here.Token {
				here.Token, here.Count = id, count
			}
		}
		here.Share = float64(here.Count) / float64(reached)
		if here.Share > worst.Share {
			worst = here
		}
	}
}

// Lengths says how long answers are and how they end.
type Lengths struct {
	N          int     `json:"n"`
	Tokens     int     `json:"tokens"` // of all answers, an EOS that stopped one included
	MeanTokens float64 `json:"mean_tokens"`
	EOSRate    float64 `json:"eos_rate"` // share that ended with a sampled EOS, in [0,1]
	// TruncationRate is the share that the limit on new tokens cut, in [0,1].
	TruncationRate float64 `json:"truncation_rate"`
}

// MeasureLengths returns the Lengths of completions; all zero without any.
func MeasureLengths(completions []oaif.Completion) Lengths {
	l := Lengths{N: len(completions)}
	if l.N == 0 {
		return l
	}
	eos, cut := 0, 0
	for _, c := range completions {
		l.Tokens += len(c.IDs)
		switch c.Finish {
		case oaif.FinishEOS:
			eos++
		case oaif.FinishLength:
			cut++
		}
	}
	n := float64(l.N)
	l.MeanTokens, l.EOSRate, l.TruncationRate = float64(l.Tokens)/n, float64(eos)/n, float64(cut)/n
	return l
}
