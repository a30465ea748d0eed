package prompts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif/prompts"
)

func TestOrderIsAPermutationPerEpoch(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range []int64{0, 1, 2, 1 << 40} {
		for epoch := range 3 {
			order := prompts.Order(seed, 440, epoch)
			if !slices.Equal(order, prompts.Order(seed, 440, epoch)) {
				t.Fatalf("seed %d epoch %d: two calls differ", seed, epoch)
			}
			key := ""
			for _, i := range order[:8] {
				key += string(rune(i))
			}
			if seen[key] {
				t.Errorf("seed %d epoch %d repeats another order", seed, epoch)
			}
			seen[key] = true
			slices.Sort(order)
			for i, v := range order {
				if i != v {
					t.Fatalf("seed %d epoch %d: no permutation", seed, epoch)
				}
			}
		}
	}
	if got := prompts.Order(1, 0, 0); len(got) != 0 {
		t.Errorf("order of nothing: %v", got)
	}
}

// TestOrderStaysTheSame pins orders that recorded runs depend on. The numbers are Fisher-Yates over
// SplitMix64, computed by testdata/order.py.
func TestOrderStaysTheSame(t *testing.T) {
	for _, test := range []struct {
		seed  int64
		epoch int
		want  []int
	}{
		{0, 0, []int{4, 9, 2, 5, 1, 7, 6, 0, 3, 8}},
		{1, 0, []int{5, 6, 1, 8, 7, 4, 3, 9, 0, 2}},
		{1, 1, []int{5, 6, 3, 9, 2, 8, 4, 7, 0, 1}},
	} {
		if diff := cmp.Diff(test.want, prompts.Order(test.seed, 10, test.epoch)); diff != "" {
			t.Errorf("seed %d epoch %d: %s", test.seed, test.epoch, diff)
		}
	}
}

// TestOrderIsUniform counts where each item lands over many seeds: every one of 4 x 4 cells near a
// quarter.
func TestOrderIsUniform(t *testing.T) {
	const runs = 8000
	var count [4][4]int
	for seed := range int64(runs) {
		for place, item := range prompts.Order(seed, 4, 0) {
			count[item][place]++
		}
	}
	for item := range count {
		for place, n := range count[item] {
			if n < runs/4-200 || n > runs/4+200 { // 5 standard deviations of 39
				t.Errorf("item %d at place %d: %d of %d", item, place, n, runs)
			}
		}
	}
}
