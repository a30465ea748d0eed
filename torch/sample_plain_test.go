package torch_test

import (
	"math"
	"slices"
	"sort"

	"github.com/oaif/oaif/torch"
)

// mix, noise: the counter-based Gumbel noise of the bridge, written a second time.
func mix(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x85ebca6b
	x ^= x >> 13
	x *= 0xc2b2ae35
	return x ^ x>>16
}

func noise(key uint64, pos int64, token int) float64 {
	base := mix(uint32(key) + 0x9e3779b9*(uint32(pos)+1))
	bits := mix(mix(uint32(token)+base) ^ uint32(key>>32))
	return -math.Log(-math.Log((float64(bits) + 0.5) / (1 << 32)))
}

// support returns the ids that top-k and then top-p leave possible, ascending.
func support(logits []float32, how torch.Sampling) []int {
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return logits[order[a]] > logits[order[b]] })
	if how.TopK > 0 && how.TopK < len(order) {
		k := how.TopK
		for k < len(order) && logits[order[k]] == logits[order[how.TopK-1]] {
			k++ // equals of the last one stay
		}
		order = order[:k]
	}
	p := softmax(logits, order, float64(how.Temperature))
	mass := 0.0
	for i := range order {
		if mass >= float64(how.TopP) {
			order = order[:i]
			break
		}
		mass += p[i]
	}
	slices.Sort(order)
	return order
}

func softmax(logits []float32, ids []int, temperature float64) []float64 {
	p := make([]float64, len(ids))
	sum := 0.0
	for i, id := range ids {
		p[i] = math.Exp(float64(logits[id]) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// plainDraw is argmax(logit / T + noise) over the support.
func plainDraw(logits []float32, how torch.Sampling, key uint64, pos int64) int64 {
	best, top := -1, math.Inf(-1)
	for _, id := range support(logits, how) {
		score := float64(logits[id])*float64(1/how.Temperature) + noise(key, pos, id)
		if score > top {
			best, top = id, score
		}
	}
	return int64(best)
}

func logprobOf(logits []float32, id int64) float64 {
	all := make([]int, len(logits))
	for i := range all {
		all[i] = i
	}
	return math.Log(softmax(logits, all, 1)[id])
}
