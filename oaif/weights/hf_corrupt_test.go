package weights_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/weights"
)

// edit changes keys of a JSON file; nil deletes a key.
func edit(t *testing.T, path string, changes map[string]any) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(readFile(t, path), &object); err != nil {
		t.Fatal(err)
	}
	for key, value := range changes {
		if object[key] = value; value == nil {
			delete(object, key)
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, text)
}

func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestUnsupportedHFConfigs(t *testing.T) {
	llama3 := func(key string, value any) map[string]any {
		rope := map[string]any{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
			"high_freq_factor": 4, "original_max_position_embeddings": 64}
		if rope[key] = value; value == nil {
			delete(rope, key)
		}
		return map[string]any{"rope_scaling": rope}
	}
	type changes = map[string]any
	for _, c := range []struct {
		name    string
		changes changes
		want    []string
	}{
		{"family", changes{"model_type": "mamba"}, []string{`model_type "mamba"`, "llama"}},
		{"no family", changes{"model_type": nil}, []string{`model_type ""`}},
		{"class", changes{"architectures": []string{"LlamaForSequenceClassification"}},
			[]string{"LlamaForSequenceClassification", "LlamaForCausalLM"}},
		{"activation", changes{"hidden_act": "relu"}, []string{"hidden_act = relu"}},
		{"quantized", changes{"quantization_config": changes{"quant_method": "awq"}},
			[]string{"quantization_config"}},
		{"type of a number", changes{"hidden_size": "32"},
			[]string{"hidden_size is not an integer"}},
		{"fraction", changes{"hidden_size": 32.5}, []string{"hidden_size is not an integer"}},
		{"no layers", changes{"num_hidden_layers": nil}, []string{"num_hidden_layers is missing"}},
		{"absurd vocabulary", changes{"vocab_size": 1 << 40}, []string{"vocabulary size"}},
		{"odd head", changes{"head_dim": 15}, []string{"head size 15 is odd"}},
		{"KV heads", changes{"num_key_value_heads": 3}, []string{"4 heads", "3 KV heads"}},
		{"end id", changes{"eos_token_id": 24}, []string{"id 24", "vocabulary of 24"}},
		{"negative end id", changes{"eos_token_id": []int{2, -1}}, []string{"eos_token_id: -1"}},
		{"end id is text", changes{"eos_token_id": "</s>"}, []string{"eos_token_id"}},
		{"longrope", changes{"rope_scaling": changes{"type": "longrope", "factor": 2}},
			[]string{`rope type "longrope"`}},
		{"two ropes", changes{"rope_parameters": changes{"rope_type": "default"}},
			[]string{"rope_scaling and rope_parameters"}},
		{"layer types", changes{"rope_scaling": changes{"full_attention": changes{}}},
			[]string{"full_attention"}},
		{"partial", changes{"partial_rotary_factor": 0.5}, []string{"partial_rotary_factor = 0.5"}},
		{"no factor", llama3("factor", nil), []string{"rope_scaling: factor is missing"}},
		{"small factor", llama3("factor", 0), []string{"factor 0"}},
		{"equal bounds", llama3("high_freq_factor", 1), []string{"high_freq_factor 1"}},
		{"context 0", llama3("original_max_position_embeddings", 0),
			[]string{"original_max_position_embeddings 0"}},
		{"theta", changes{"rope_theta": 0}, []string{"rope theta 0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, "testdata/hf4")
			edit(t, filepath.Join(dir, "config.json"), c.changes)
			_, err := weights.Open(dir)
			wantDataError(t, err, filepath.Join(dir, "config.json"), c.want...)
		})
	}
}

func TestDamagedHFFolders(t *testing.T) {
	const index, shard = "model.safetensors.index.json", "model-00002-of-00003.safetensors"
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, name), []byte(text))
		}
	}
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		file   string
		want   []string
	}{
		{"no config", remove("config.json"), "config.json", []string{"no such file"}},
		{"config is no JSON", write("config.json", "{\"a\":\n"), "config.json", []string{"JSON"}},
		{"config is a list", write("config.json", "[]"), "config.json", []string{"JSON object"}},
		{"generation config", write("generation_config.json", `{"eos_token_id": 1.5}`),
			"generation_config.json",
			[]string{"eos_token_id"}},
		{"no weights", remove(index), "", []string{"neither model.safetensors nor " + index}},
		{"no shard", remove(shard), shard, []string{"no such file"}},
		{"no map", write(index, "{}"), index, []string{"weight_map is missing"}},
		{"path in the map", write(index, `{"weight_map":{"a":"../x.safetensors"}}`), index,
			[]string{`"../x.safetensors"`}},
		{"map lists too little",
			write(index, `{"weight_map":{"model.norm.weight":"`+shard+`"}}`), shard,
			[]string{"is not listed for this file"}},
		{"tokenizer setup", write("tokenizer_config.json", `{"chat_template": 3}`),
			"tokenizer_config.json",
			[]string{"chat_template"}},
		{"template", write("chat_template.jinja", "\xff"), "chat_template.jinja",
			[]string{"UTF-8"}},
		{"map lists too much", func(t *testing.T, dir string) {
			text := strings.Replace(string(readFile(t, filepath.Join(dir, index))),
				`"weight_map": {`, `"weight_map": {"extra.weight": "`+shard+`",`, 1)
			overwrite(t, filepath.Join(dir, index), []byte(text))
		}, shard, []string{"extra.weight", "missing"}},
		{"shard cut", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, shard), 3000); err != nil {
				t.Fatal(err)
			}
		}, shard, []string{"truncated"}},
		{"shape", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "config.json"), map[string]any{"intermediate_size": 47})
		}, "model-0000", []string{"mlp.gate_proj", "[48, 32]", "[47, 32]"}},
		{"head untied", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "config.json"), map[string]any{"tie_word_embeddings": false})
		}, "", []string{"lm_head.weight", "missing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, "testdata/hf5")
			c.damage(t, dir)
			_, err := weights.Open(dir)
			wantDataError(t, err, filepath.Join(dir, c.file), c.want...)
		})
	}
}
