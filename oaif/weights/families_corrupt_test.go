package weights_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif/weights"
)

// TestUnsupportedFamilyConfigs: what the transformer does not do is refused by the key's name.
func TestUnsupportedFamilyConfigs(t *testing.T) {
	type object = map[string]any
	yarn := func(key string, value any) object {
		rope := object{"rope_type": "yarn", "factor": 2.0, "rope_theta": 1e4}
		rope[key] = value
		return object{"rope_parameters": rope}
	}
	each := func(full, sliding object) object {
		return object{"rope_parameters": object{"full_attention": full,
			"sliding_attention": sliding}}
	}
	plain := object{"rope_type": "default"}
	for _, c := range []struct {
		model   string
		changes object
		want    string
	}{
		{"llama", object{"logit_scale": 2}, `key "logit_scale"`},
		{"llama", object{"sliding_window": 4}, `key "sliding_window"`},
		{"llama", object{"auto_map": object{"AutoConfig": "x.X"}}, `key "auto_map"`},
		{"llama", object{"pruned_heads": object{"0": []int{1}}}, "pruned_heads"},
		{"llama", object{"rope_interleaved": true}, "rope_interleaved"},
		{"mistral", object{"attention_bias": true}, "attention_bias"},
		{"mistral", object{"sliding_window": 0}, "sliding_window 0"},
		{"mistral", object{"layer_types": []string{"full_attention", "full_attention"}},
			"layer_types"},
		{"mistral", object{"model_type": "mixtral"}, `model_type "mixtral"`},
		{"mistral-yarn", yarn("mrope_section", []int{2, 2}), `key "mrope_section"`},
		{"mistral-yarn", yarn("attention_factor", 0), "attention_factor 0"},
		{"mistral-yarn", yarn("beta_fast", -1), "beta_fast -1"},
		{"mistral-yarn", yarn("factor", 0.5), "factor 0.5"},
		{"mistral-yarn", yarn("rope_type", "longrope"), `"longrope"`},
		{"qwen2-window", object{"layer_types": []string{"full_attention"}}, "layer_types has 1"},
		{"qwen2-window", object{"layer_types": []string{"full_attention", "linear_attention",
			"full_attention"}}, `"linear_attention"`},
		{"qwen2-window", object{"use_sliding_window": false}, "use_sliding_window = false"},
		{"qwen2-window", object{"num_hidden_layers": 1 << 40, "layer_types": nil},
			"number of layers"},
		{"qwen3", object{"num_experts": 8}, `key "num_experts"`},
		{"gemma2", object{"use_bidirectional_attention": true}, "use_bidirectional_attention"},
		{"gemma2", object{"attn_logit_softcapping": 0}, "attn_logit_softcapping 0"},
		{"gemma2", object{"query_pre_attn_scalar": -1}, "query_pre_attn_scalar -1"},
		{"gemma2", each(plain, plain), "full_attention"},
		{"gemma3", object{"model_type": "gemma3"}, `model_type "gemma3"`},
		{"gemma3", object{"attn_logit_softcapping": 50.0}, "attn_logit_softcapping = 50"},
		{"gemma3", object{"sliding_window_pattern": 0}, "sliding_window_pattern 0"},
		{"gemma3-cap", object{"sliding_window": nil, "layer_types": nil, "rope_scaling": plain},
			"rope_scaling and rope_parameters"},
		{"gemma3-cap", object{"rope_parameters": plain}, `key "rope_type"`},
		{"gemma3-cap", each(plain, object{"rope_type": "linear", "factor": 2}),
			"rope_type = linear"},
		{"gemma3-cap", each(object{"rope_type": "yarn", "factor": 2}, plain), "rope type yarn"},
		{"gpt_neox", object{"rotary_pct": 0.375}, "3 rotary dimensions"},
		{"gpt_neox", object{"rotary_pct": 0}, "rotary_pct 0"},
		{"gpt_neox", object{"rotary_pct": 1.5}, "rotary_pct 1.5"},
		{"gpt_neox", object{"rope_theta": 5}, "rope_theta 5"},
		{"gpt_neox", object{"num_attention_heads": 3}, "num_attention_heads 3"},
		{"gpt_neox", object{"hidden_act": "quick_gelu"}, "hidden_act = quick_gelu"},
	} {
		t.Run(c.model+" "+c.want, func(t *testing.T) {
			dir := copyFolder(t, filepath.Join(familyModels, c.model))
			edit(t, filepath.Join(dir, "config.json"), c.changes)
			_, err := weights.Open(dir)
			wantDataError(t, err, filepath.Join(dir, "config.json"), c.want)
		})
	}
}

// TestBuffersOfOldFiles: Pythia's files hold masks and rotary frequencies, which are recomputed.
func TestBuffersOfOldFiles(t *testing.T) {
	const layer = "gpt_neox.layers.0.attention."
	dir := copyFolder(t, filepath.Join(familyModels, "gpt_neox"))
	path := filepath.Join(dir, "model.safetensors")
	file := readFile(t, path)
	want := digests(t, open(t, dir))
	overwrite(t, path, appendTensors(t, file, []stTensor{
		{layer + "bias", "U8", []int{1, 1, 2, 2}, 4}, {layer + "masked_bias", "F16", []int{}, 2},
		{layer + "rotary_emb.inv_freq", "F32", []int{2}, 8},
	}))
	if diff := cmp.Diff(want, digests(t, open(t, dir))); diff != "" {
		t.Errorf("tensors (-without buffers +with them):\n%s", diff)
	}
	overwrite(t, path, appendTensors(t, file, []stTensor{{layer + "rotary.x", "U8", []int{4}, 4}}))
	_, err := weights.Open(dir)
	wantDataError(t, err, path, layer+"rotary.x", "no place")

	renamed := bytes.Replace(file, []byte(`"dtype":"BF16","shape":[16]`),
		[]byte(`"dtype":"BOOL","shape":[32]`), 1)
	overwrite(t, path, renamed)
	_, err = weights.Open(dir)
	wantDataError(t, err, path, "gpt_neox.", "expected [16]")
	renamed = bytes.Replace(file, []byte(`"dtype":"BF16","shape":[16,24]`),
		[]byte(`"dtype":"F64","shape":[16,6]   `), 1)
	overwrite(t, path, renamed)
	_, err = weights.Open(dir)
	wantDataError(t, err, path, "dense_4h_to_h", `"F64"`)
}

type stTensor struct {
	name, dtype string
	shape       []int
	size        int
}

// appendTensors adds tensors of zeros to a safetensors file.
func appendTensors(t *testing.T, file []byte, tensors []stTensor) []byte {
	t.Helper()
	end := 8 + binary.LittleEndian.Uint64(file)
	header := make(map[string]any)
	if err := json.Unmarshal(file[8:end], &header); err != nil {
		t.Fatal(err)
	}
	data := bytes.Clone(file[end:])
	for _, s := range tensors {
		header[s.name] = map[string]any{"dtype": s.dtype, "shape": s.shape,
			"data_offsets": []int{len(data), len(data) + s.size}}
		data = append(data, make([]byte, s.size)...)
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(out, text...), data...)
}
