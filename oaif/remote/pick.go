package remote

import (
	"fmt"
	"math"
	"strings"

	"github.com/oaif/oaif/oaif/annotator"
)

// pick finds the candidates among the ranked tokens. A token is a candidate's whatever spaces are
// around it: their probabilities add up.
func pick(top []ranked, candidates []string) (annotator.Next, *failure) {
	found := make([]float64, len(candidates))
	for i := range found {
		found[i] = math.Inf(-1)
	}
	least, any := math.Inf(1), false
	for _, t := range top {
		if t.Logprob == nil || math.IsNaN(*t.Logprob) {
			return annotator.Next{}, brokenf("the log-prob of token %q is not a number", t.Token)
		}
		least = min(least, *t.Logprob)
		for i, c := range candidates {
			if strings.TrimSpace(t.Token) == strings.TrimSpace(c) {
				found[i] = logSum(found[i], *t.Logprob)
				any = true
			}
		}
	}
	if !any {
		return annotator.Next{}, &failure{broken: true, final: true, text: fmt.Sprintf(
			"none of %q is among the %d likeliest next tokens", candidates, len(top))}
	}
	next := annotator.Next{Logprobs: found}
	for i := range found {
		if math.IsInf(found[i], -1) {
			found[i], next.Bounded = least, true
		}
	}
	return next, nil
}

// logSum is log(exp(a) + exp(b)).
func logSum(a, b float64) float64 {
	if math.IsInf(a, -1) {
		return b
	}
	return max(a, b) + math.Log1p(math.Exp(-math.Abs(a-b)))
}
