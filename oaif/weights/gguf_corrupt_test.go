package weights_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/oaif/oaif/oaif/weights"
)

func TestBuilderIsSound(t *testing.T) {
	if err := readAll(t, writeTemp(t, "m.gguf", one().bytes())); err != nil {
		t.Fatal(err)
	}
}

func TestCorruptGGUF(t *testing.T) {
	q := "blk.0.attn_q.weight"
	set := func(key string, value any) func(*ggufBuilder) {
		return func(b *ggufBuilder) { b.values[key] = value }
	}
	drop := func(key string) func(*ggufBuilder) {
		return func(b *ggufBuilder) { delete(b.values, key) }
	}
	for _, c := range []struct {
		name   string
		damage func(*ggufBuilder)
		want   []string
	}{
		{"magic", func(b *ggufBuilder) { b.magic = "GGML" }, []string{"not a GGUF file"}},
		{"version 1", func(b *ggufBuilder) { b.version = 1 }, []string{"version 1"}},
		{"version 4", func(b *ggufBuilder) { b.version = 4 }, []string{"version 4"}},
		{"version 0", func(b *ggufBuilder) { b.version = 0 }, []string{"version 0"}},
		{"big-endian", func(b *ggufBuilder) { b.version = 3 << 24 },
			[]string{"big-endian", "version 3"}},
		{"tensor count", func(b *ggufBuilder) { b.tensors = 1 << 40 },
			[]string{"number of tensors"}},
		{"pair count", func(b *ggufBuilder) { b.pairs = math.MaxInt64 },
			[]string{"number of metadata pairs"}},
		{"negative count", func(b *ggufBuilder) { b.tensors = -2 }, []string{"number of tensors"}},
		{"key length", func(b *ggufBuilder) {
			b.pairs, b.raw = int64(len(b.values)+1), bytes.Repeat([]byte{255}, 40)
		}, []string{"ends within a metadata key"}},
		{"value type", set("x", []byte{99, 0, 0, 0}), []string{`"x"`, "type number 99"}},
		{"array of arrays", set("x", []byte{9, 0, 0, 0, 9, 0, 0, 0, 1}), []string{`"x"`, "array"}},
		{"array length",
			set("x", append([]byte{9, 0, 0, 0, 8, 0, 0, 0}, bytes.Repeat([]byte{127}, 8)...)),
			[]string{`length of metadata key "x"`, "more than the file has room for"}},
		{"bool", set("x", []byte{7, 0, 0, 0, 2}), []string{`"x"`, "neither true nor false"}},
		{"uint64", set("x", append([]byte{10, 0, 0, 0}, bytes.Repeat([]byte{255}, 8)...)),
			[]string{`"x"`, "2^63-1"}},
		{"key twice", func(b *ggufBuilder) {
			b.pairs = int64(len(b.values) + 1)
			b.raw = append(ggufText("general.architecture"), ggufValue("llama")...)
		}, []string{`"general.architecture"`, "twice"}},
		{"alignment 0", set("general.alignment", uint32(0)), []string{"general.alignment"}},
		{"alignment 24", set("general.alignment", uint32(24)), []string{"general.alignment"}},
		{"alignment text", set("general.alignment", "32"), []string{"general.alignment"}},
		{"rank 0", func(b *ggufBuilder) { b.tensor(q).dims = nil }, []string{q, "0 dimensions"}},
		{"rank 5", func(b *ggufBuilder) { b.tensor(q).dims = []uint64{32, 32, 1, 1, 1} },
			[]string{q, "5 dimensions"}},
		{"dimension 0", func(b *ggufBuilder) { b.tensor(q).dims[0] = 0 },
			[]string{q, "dimensions [0 32]"}},
		{"product overflows",
			func(b *ggufBuilder) { b.tensor(q).dims = []uint64{1 << 32, 1 << 32} },
			[]string{q, "room"}},
		{"product wraps", func(b *ggufBuilder) { b.tensor(q).dims = []uint64{1 << 63, 2, 32} },
			[]string{q, "room"}},
		{"K quant", func(b *ggufBuilder) { b.tensor(q).kind = 12 }, []string{q, "type Q4_K"}},
		{"type number", func(b *ggufBuilder) { b.tensor(q).kind = 5 },
			[]string{q, "type number 5"}},
		{"half a block", func(b *ggufBuilder) {
			b.tensor(q).dims[0], b.tensor(q).kind = 16, 8
		}, []string{q, "rows of 16", "Q8_0"}},
		{"tensor twice", func(b *ggufBuilder) { b.tensor("blk.0.attn_k.weight").name = q },
			[]string{q, "twice"}},
		{"offset past the end", func(b *ggufBuilder) { b.tensor(q).offset = 1 << 62 },
			[]string{q, "past the file's end"}},
		{"last offset", func(b *ggufBuilder) { b.tensor(q).offset = uint64(len(b.data)) },
			[]string{q, "truncated"}},
		{"offset not aligned", func(b *ggufBuilder) { b.tensor(q).offset += 4 },
			[]string{q, "multiple of 32"}},
		{"overlap", func(b *ggufBuilder) { b.tensor(q).offset -= 32 }, []string{q, "overlap"}},
		{"same place", func(b *ggufBuilder) { b.tensor(q).offset = 0 }, []string{q, "overlap"}},
		{"data cut", func(b *ggufBuilder) { b.data = b.data[:len(b.data)-1] },
			[]string{"blk.0.ffn_down.weight", "truncated"}},
		{"no data", func(b *ggufBuilder) { b.data = nil }, []string{"truncated"}},
		{"no architecture", drop("general.architecture"), []string{`architecture ""`}},
		{"other architecture", set("general.architecture", "gpt2"),
			[]string{`architecture "gpt2"`, "llama"}},
		{"architecture number", set("general.architecture", uint32(1)),
			[]string{"general.architecture", "not a text"}},
		{"no layers", drop("llama.block_count"), []string{"llama.block_count is missing"}},
		{"layers are text", set("llama.block_count", "1"),
			[]string{"llama.block_count", "not an integer"}},
		{"layers absurd", set("llama.block_count", uint32(1<<31)), []string{"number of layers"}},
		{"layers negative", set("llama.block_count", int64(-1)), []string{"number of layers -1"}},
		{"no heads", set("llama.attention.head_count", uint32(0)), []string{"number of heads 0"}},
		{"KV heads", set("llama.attention.head_count_kv", uint32(3)),
			[]string{"2 heads", "3 KV heads"}},
		{"epsilon", set("llama.attention.layer_norm_rms_epsilon", float32(math.NaN())),
			[]string{"epsilon NaN"}},
		{"no epsilon", drop("llama.attention.layer_norm_rms_epsilon"),
			[]string{"layer_norm_rms_epsilon is missing"}},
		{"theta", set("llama.rope.freq_base", float32(-1)), []string{"rope theta -1"}},
		{"head size", set("llama.attention.key_length", uint32(8)),
			[]string{q, "[32, 32]", "[16, 32]"}},
		{"value size", set("llama.attention.value_length", uint32(8)),
			[]string{"value_length = 8"}},
		{"partial rope", set("llama.rope.dimension_count", uint32(8)),
			[]string{"rope.dimension_count = 8"}},
		{"rope scaling", set("llama.rope.scaling.type", "longrope"),
			[]string{"rope.scaling.type = longrope"}},
		{"magnitude", func(b *ggufBuilder) {
			b.values["llama.rope.scaling.type"] = "yarn"
			b.values["llama.rope.scaling.attn_factor"] = float32(2)
		}, []string{"rope.scaling.attn_factor = 2"}},
		{"window", set("llama.attention.sliding_window", uint32(8)),
			[]string{"llama.attention.sliding_window = 8"}},
		{"unknown key", set("llama.logit_scale", float32(2)), []string{`"llama.logit_scale"`}},
		{"experts per layer", set("llama.expert_count", layers(0, 8)),
			[]string{"differs between layers"}},
		{"KV heads per layer", set("llama.attention.head_count_kv", layers(2, 1)),
			[]string{"head_count_kv differs between layers"}},
		{"no KV heads", set("llama.attention.head_count_kv", layers()), []string{"not an integer"}},
		{"epsilon is text", set("llama.attention.layer_norm_rms_epsilon", "1e-5"),
			[]string{"layer_norm_rms_epsilon is not a floating-point number"}},
		{"linear scale", set("llama.rope.scale_linear", float32(0.5)), []string{"factor 0.5"}},
		{"rope factors not finite", func(b *ggufBuilder) {
			b.add("rope_freqs.weight", 0, 8)
			copy(b.data[b.tensor("rope_freqs.weight").offset:], []byte{0, 0, 128, 127})
		}, []string{"rope_freqs.weight", "+Inf"}},
		{"experts", set("llama.expert_count", uint32(8)), []string{"expert_count = 8"}},
		{"split file", set("split.count", uint32(2)), []string{"split.count = 2"}},
		{"vocabulary", set("llama.vocab_size", uint32(31)), []string{"vocab_size = 31"}},
		{"end id", set("tokenizer.ggml.eot_token_id", uint32(32)),
			[]string{"id 32", "vocabulary of 32"}},
		{"end id huge", set("tokenizer.ggml.eos_token_id", int64(1<<40)), []string{"eos_token_id"}},
		{"no embedding", func(b *ggufBuilder) { b.tensor("token_embd.weight").name = "x" },
			[]string{"token_embd.weight"}},
		{"missing", func(b *ggufBuilder) { b.tensor(q).name = "x" }, []string{q, "missing"}},
		{"shape", func(b *ggufBuilder) { b.tensor(q).dims = []uint64{16, 32} },
			[]string{q, "[32, 16]", "[32, 32]"}},
		{"bias", func(b *ggufBuilder) { b.add("blk.0.attn_q.bias", 0, 32) },
			[]string{"blk.0.attn_k.bias", "missing"}},
		{"norm of queries", func(b *ggufBuilder) { b.add("blk.0.attn_q_norm.weight", 0, 16) },
			[]string{"blk.0.attn_q_norm.weight", "no place"}},
		{"rope factors", func(b *ggufBuilder) { b.add("rope_freqs.weight", 0, 8) },
			[]string{"rope_freqs.weight", "holds 0"}},
		{"rope factors' shape", func(b *ggufBuilder) { b.add("rope_freqs.weight", 0, 7) },
			[]string{"rope_freqs.weight", "[7]", "[8]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := one()
			c.damage(b)
			path := writeTemp(t, "m.gguf", b.bytes())
			m, err := weights.Open(path)
			if err == nil {
				_ = m.Close() // the test has failed
				t.Fatal("no error")
			}
			wantDataError(t, err, path, c.want...)
		})
	}
}

func TestNonFiniteWeightsAreRefused(t *testing.T) {
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	b := one()
	copy(b.data[b.tensor("blk.0.attn_q.weight").offset+4*(32*5+7):], nan)
	path := writeTemp(t, "m.gguf", b.bytes())
	// Row 5 of the file is pair 2, half 1 of head 0: row 10 in the Hugging Face layout.
	wantDataError(t, readAll(t, path), path, "blk.0.attn_q.weight", "NaN", "row 10, column 7")

	b = one()
	b.add("output.weight", 8, 32, 32)
	// an infinite scale
	binary.LittleEndian.PutUint16(b.data[b.tensor("output.weight").offset:], 0x7c00)
	path = writeTemp(t, "m.gguf", b.bytes())
	// infinity times 0
	wantDataError(t, readAll(t, path), path, "output.weight", "NaN", "row 0, column 0")
}

func TestEqualValuesPerLayer(t *testing.T) {
	b := one()
	b.values["llama.attention.head_count_kv"] = layers(2, 2)
	b.values["general.alignment"] = uint32(16)
	if c := open(t, writeTemp(t, "m.gguf", b.bytes())).Config(); c.KVHeads != 2 {
		t.Errorf("%d KV heads", c.KVHeads)
	}
}

func TestRopeFactorsOfOneAreNone(t *testing.T) {
	b := one()
	b.add("rope_freqs.weight", 0, 8)
	for i := range 8 {
		at := b.tensor("rope_freqs.weight").offset + uint64(4*i)
		binary.LittleEndian.PutUint32(b.data[at:], math.Float32bits(1))
	}
	if c := open(t, writeTemp(t, "m.gguf", b.bytes())).Config(); c.RopeFactors != nil ||
		c.RopeScaling != nil {
		t.Errorf("%v, %v", c.RopeFactors, c.RopeScaling)
	}
	binary.LittleEndian.PutUint32(b.data[b.tensor("rope_freqs.weight").offset:],
		math.Float32bits(3))
	if c := open(t, writeTemp(t, "m.gguf", b.bytes())).Config(); c.RopeFactors[0] != 3 ||
		c.RopeScaling != nil {
		t.Errorf("factors of no known settings: %v, %v", c.RopeFactors, c.RopeScaling)
	}
}
