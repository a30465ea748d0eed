package prompts

import "math/bits"

// Order returns the order in which epoch (from 0) visits n prompts: a permutation of 0..n-1 that
// depends on seed, n and epoch alone, on every machine and with every Go release.
func Order(seed int64, n, epoch int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	state := mix(mix(uint64(seed)) ^ uint64(epoch))
	for i := n - 1; i > 0; i-- { // Fisher-Yates
		state += 0x9e3779b97f4a7c15
		// The high word of a product maps 64 random bits onto 0..i; its bias is below 2^-32 for any
		// real n.
		j, _ := bits.Mul64(mix(state), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection that spreads every bit.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
