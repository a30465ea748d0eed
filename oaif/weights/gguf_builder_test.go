package weights_test

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// ggufTensor and ggufBuilder write GGUF files field by field, so that each field can be wrong.
type ggufTensor struct {
	name   string
	dims   []uint64 // innermost first
	kind   uint32
	offset uint64
}

type ggufBuilder struct {
	magic          string
	version        uint32
	tensors, pairs int64 // numbers written instead of the real ones when not -1
	values         map[string]any
	list           []ggufTensor
	data           []byte
	raw            []byte // written after the pairs when not nil, instead of tensors and data
}

// one is a whole model of one layer in which all matrices are 32 wide.
func one() *ggufBuilder {
	b := &ggufBuilder{magic: "GGUF", version: 3, tensors: -1, pairs: -1, values: map[string]any{
		"general.architecture": "llama", "llama.block_count": uint32(1),
		"llama.embedding_length": uint32(32), "llama.attention.head_count": uint32(2),
		"llama.feed_forward_length": uint32(32), "llama.context_length": uint32(64),
		"llama.attention.layer_norm_rms_epsilon": float32(1e-5),
		"tokenizer.ggml.eos_token_id":            uint32(2),
	}}
	b.add("token_embd.weight", 0, 32, 32)
	b.add("output_norm.weight", 0, 32)
	for _, name := range []string{"attn_norm", "ffn_norm"} {
		b.add("blk.0."+name+".weight", 0, 32)
	}
	for _, name := range []string{
		"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down",
	} {
		b.add("blk.0."+name+".weight", 0, 32, 32)
	}
	return b
}

// add appends an F32 or, with kind 8, a Q8_0 tensor of zeros.
func (b *ggufBuilder) add(name string, kind uint32, dims ...uint64) {
	b.list = append(b.list, ggufTensor{name, dims, kind, uint64(len(b.data))})
	n := uint64(4)
	if kind == 8 {
		n = 34
	}
	for i, d := range dims {
		if kind == 8 && i == 0 {
			d /= 32
		}
		n *= d
	}
	b.data = append(b.data, make([]byte, (n+31)/32*32)...)
}

func (b *ggufBuilder) tensor(name string) *ggufTensor {
	i := slices.IndexFunc(b.list, func(t ggufTensor) bool { return t.name == name })
	return &b.list[i]
}

func ggufText(s string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...)
}

func ggufValue(v any) []byte {
	le := binary.LittleEndian
	switch v := v.(type) {
	case string:
		return append(le.AppendUint32(nil, 8), ggufText(v)...)
	case uint32:
		return le.AppendUint32(le.AppendUint32(nil, 4), v)
	case int64:
		return le.AppendUint64(le.AppendUint32(nil, 11), uint64(v))
	case float32:
		return le.AppendUint32(le.AppendUint32(nil, 6), math.Float32bits(v))
	case []byte: // type and value as they are
		return v
	}
	panic("no such value in this test")
}

// layers is an array of 32-bit integers, one for each layer.
func layers(values ...uint32) []byte {
	le := binary.LittleEndian
	out := le.AppendUint32(le.AppendUint32(nil, 9), 4)
	out = le.AppendUint64(out, uint64(len(values)))
	for _, v := range values {
		out = le.AppendUint32(out, v)
	}
	return out
}

func (b *ggufBuilder) bytes() []byte {
	le := binary.LittleEndian
	tensors, pairs := int64(len(b.list)), int64(len(b.values))
	if b.tensors != -1 {
		tensors = b.tensors
	}
	if b.pairs != -1 {
		pairs = b.pairs
	}
	out := le.AppendUint32([]byte(b.magic), b.version)
	out = le.AppendUint64(le.AppendUint64(out, uint64(tensors)), uint64(pairs))
	for _, key := range slices.Sorted(maps.Keys(b.values)) {
		out = append(append(out, ggufText(key)...), ggufValue(b.values[key])...)
	}
	if b.raw != nil {
		return append(out, b.raw...)
	}
	for _, t := range b.list {
		out = le.AppendUint32(append(out, ggufText(t.name)...), uint32(len(t.dims)))
		for _, d := range t.dims {
			out = le.AppendUint64(out, d)
		}
		out = le.AppendUint64(le.AppendUint32(out, t.kind), t.offset)
	}
	out = append(out, make([]byte, (32-len(out)%32)%32)...)
	return append(out, b.data...)
}
