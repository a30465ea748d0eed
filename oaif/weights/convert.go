package weights

import (
	"encoding/binary"
	"math"
)

func convertF32(dst []float32, src []byte) {
	src = src[:4*len(dst)]
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func convertF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for i := range dst {
		dst[i] = float16(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func convertBF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

// convertQ8_0: 34 bytes are f16 d and 32 int8 q; w = d q.
func convertQ8_0(dst []float32, src []byte) {
	for len(dst) >= 32 {
		d := float16(binary.LittleEndian.Uint16(src))
		q, w := src[2:34:34], dst[:32:32]
		for i := range w {
			w[i] = d * float32(int8(q[i]))
		}
		dst, src = dst[32:], src[34:]
	}
}

// convertQ4_0: 18 bytes are f16 d and 16 bytes of two 4-bit q; w = d (q - 8).
func convertQ4_0(dst []float32, src []byte) {
	var levels [16]float32
	for len(dst) >= 32 {
		d := float16(binary.LittleEndian.Uint16(src))
		for q := range levels {
			levels[q] = d * float32(q-8)
		}
		unpack4(dst[:32:32], src[2:18:18], &levels)
		dst, src = dst[32:], src[18:]
	}
}

// convertQ4_1: 20 bytes are f16 d, f16 m and 16 bytes of two 4-bit q; w = d q + m.
func convertQ4_1(dst []float32, src []byte) {
	var levels [16]float32
	for len(dst) >= 32 {
		d := float16(binary.LittleEndian.Uint16(src))
		m := float16(binary.LittleEndian.Uint16(src[2:]))
		for q := range levels {
			// The conversion forbids a fused multiply-add, whose result would differ between
			// processors.
			levels[q] = float32(d*float32(q)) + m
		}
		unpack4(dst[:32:32], src[4:20:20], &levels)
		dst, src = dst[32:], src[20:]
	}
}

// unpack4 looks up 32 weights: the low halves of the 16 bytes come first, then the high halves.
func unpack4(w []float32, q []byte, levels *[16]float32) {
	w, q = w[:32], q[:16]
	for i, b := range q {
		w[i] = levels[b&15]
		w[i+16] = levels[b>>4]
	}
}

// float16 widens an IEEE 754 half, subnormal and non-finite ones included.
func float16(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	switch {
	case rest >= 0x7c00: // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | rest<<13&0x7fffff)
	case rest >= 0x0400: // normal: the exponent's bias grows from 15 to 127
		return math.Float32frombits(sign | (rest<<13 + 112<<23))
	}
	v := float32(rest) * 0x1p-24 // subnormal or zero, exact
	return math.Float32frombits(sign | math.Float32bits(v))
}

// firstNonFinite returns the index of the first NaN or infinity of w, or -1.
func firstNonFinite(w []float32) int {
	for i, v := range w {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}
