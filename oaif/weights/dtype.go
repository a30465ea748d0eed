package weights

// DType is how a tensor's weights are stored in its file.
type DType string

// The storage types that are read. The Q types hold blocks of 32 weights along a row with an f16
// scale (and, for Q4_1, an f16 minimum).
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	Q8_0 DType = "Q8_0"
	Q4_0 DType = "Q4_0"
	Q4_1 DType = "Q4_1"
)

// format is the layout of a storage type: size bytes hold block weights.
type format struct {
	block, size int
	// convert fills dst from src, which holds exactly len(dst) weights. It is nil if no weights are
	// stored so, only buffers that a model can do without.
	convert func(dst []float32, src []byte)
}

// readable reports whether weights of the type are read.
func (t DType) readable() bool { return formats[t].convert != nil }

var formats = map[DType]format{
	F32:  {1, 4, convertF32},
	F16:  {1, 2, convertF16},
	BF16: {1, 2, convertBF16},
	Q8_0: {32, 34, convertQ8_0},
	Q4_0: {32, 18, convertQ4_0},
	Q4_1: {32, 20, convertQ4_1},

	"BOOL": {1, 1, nil}, "U8": {1, 1, nil}, // attention masks
}

// ggufTypes names the type numbers of GGUF files, the ones not read included, so that a refusal can
// name them.
var ggufTypes = map[uint32]DType{
	0: F32, 1: F16, 2: Q4_0, 3: Q4_1, 6: "Q5_0", 7: "Q5_1", 8: Q8_0, 9: "Q8_1", 10: "Q2_K",
	11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS",
	18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8",
	25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: BF16, 34: "TQ1_0", 35: "TQ2_0",
	39: "MXFP4", 40: "NVFP4", 41: "Q1_0",
}
