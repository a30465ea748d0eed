package weights_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
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
		rope := map[string]any{"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
			"original_max_position_embeddings": 64}
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
		{"attention bias", changes{"attention_bias": true}, []string{"attention_bias"}},
		{"MLP bias", changes{"mlp_bias": true}, []string{"mlp_bias"}},
		{"activation", changes{"hidden_act": "gelu"}, []string{"hidden_act = gelu"}},
		{"quantized", changes{"quantization_config": changes{"quant_method": "awq"}},
			[]string{"quantization_config"}},
		{"type of a number", changes{"hidden_size": "32"}, []string{"hidden_size is not an integer"}},
		{"fraction", changes{"hidden_size": 32.5}, []string{"hidden_size is not an integer"}},
		{"no layers", changes{"num_hidden_layers": nil}, []string{"num_hidden_layers is missing"}},
		{"absurd vocabulary", changes{"vocab_size": 1 << 40}, []string{"vocabulary size"}},
		{"odd head", changes{"head_dim": 15}, []string{"head size 15 is odd"}},
		{"KV heads", changes{"num_key_value_heads": 3}, []string{"4 heads", "3 KV heads"}},
		{"end id", changes{"eos_token_id": 24}, []string{"id 24", "vocabulary of 24"}},
		{"negative end id", changes{"eos_token_id": []int{2, -1}}, []string{"eos_token_id: -1"}},
		{"end id is text", changes{"eos_token_id": "</s>"}, []string{"eos_token_id"}},
		{"yarn", changes{"rope_scaling": changes{"type": "yarn", "factor": 2}},
			[]string{`rope type "yarn"`}},
		{"dynamic", changes{"rope_parameters": changes{"rope_type": "dynamic"}},
			[]string{`rope type "dynamic"`}},
		{"layer types", changes{"rope_parameters": changes{"full_attention": changes{}}},
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
		return func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, name), []byte(text)) }
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
		{"generation config", write("generation_config.json", `{"eos_token_id": 1.5}`), "generation_config.json",
			[]string{"eos_token_id"}},
		{"no weights", remove(index), "", []string{"neither model.safetensors nor " + index}},
		{"no shard", remove(shard), shard, []string{"no such file"}},
		{"no map", write(index, "{}"), index, []string{"weight_map is missing"}},
		{"path in the map", write(index, `{"weight_map":{"a":"../x.safetensors"}}`), index,
			[]string{`"../x.safetensors"`}},
		{"map lists too little", write(index, `{"weight_map":{"model.norm.weight":"`+shard+`"}}`), shard,
			[]string{"is not listed for this file"}},
		{"tokenizer setup", write("tokenizer_config.json", `{"chat_template": 3}`), "tokenizer_config.json",
			[]string{"chat_template"}},
		{"template", write("chat_template.jinja", "\xff"), "chat_template.jinja", []string{"UTF-8"}},
		{"map lists too much", func(t *testing.T, dir string) {
			text := strings.Replace(string(readFile(t, filepath.Join(dir, index))), `"weight_map": {`,
				`"weight_map": {"extra.weight": "`+shard+`",`, 1)
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

// stFile returns a safetensors file with this header and n bytes of data.
func stFile(header string, n int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, n)...)
}

func TestCorruptSafetensors(t *testing.T) {
	entry := func(text string) []byte { return stFile(`{"a":{`+text+`}}`, 8) }
	two := func(first, second string) []byte {
		return stFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":`+first+
			`},"b":{"dtype":"F32","shape":[1],"data_offsets":`+second+`}}`, 8)
	}
	for _, c := range []struct {
		name string
		file []byte
		want []string
	}{
		{"short", []byte("1234567"), []string{"truncated"}},
		{"huge header", append([]byte{0, 0, 0, 0, 0, 0, 0, 0x80}, make([]byte, 100)...),
			[]string{"header", "limit"}},
		{"header past the end", append([]byte{200, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 100)...),
			[]string{"truncated"}},
		{"not JSON", stFile("garbage", 0), []string{"no JSON object"}},
		{"not UTF-8", stFile("{\"\xff\":1}", 0), []string{"UTF-8"}},
		{"cut JSON", stFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`, 4),
			[]string{"malformed"}},
		{"text after JSON", stFile(`{} x`, 0), []string{"corrupt"}},
		{"entry is a number", stFile(`{"a":1}`, 0), []string{`"a"`, "malformed entry"}},
		{"negative dimension", entry(`"dtype":"F32","shape":[-2],"data_offsets":[0,8]`),
			[]string{`"a"`, "malformed entry"}},
		{"F64", entry(`"dtype":"F64","shape":[1],"data_offsets":[0,8]`), []string{`"a"`, `type "F64"`}},
		{"F8", entry(`"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]`), []string{`"a"`, "F8_E4M3"}},
		{"a GGUF type", entry(`"dtype":"Q8_0","shape":[8],"data_offsets":[0,8]`),
			[]string{`"a"`, "Q8_0"}},
		{"no type", entry(`"shape":[2],"data_offsets":[0,8]`), []string{`"a"`, `type ""`}},
		{"no offsets", entry(`"dtype":"F32","shape":[2]`), []string{`"a"`, "offsets"}},
		{"three offsets", entry(`"dtype":"F32","shape":[2],"data_offsets":[0,8,9]`),
			[]string{`"a"`, "offsets"}},
		{"offsets descend", entry(`"dtype":"F32","shape":[2],"data_offsets":[8,0]`),
			[]string{`"a"`, "offsets"}},
		{"size", entry(`"dtype":"F16","shape":[2],"data_offsets":[0,8]`),
			[]string{`"a"`, "8 bytes, expected 4"}},
		{"shape overflows", entry(`"dtype":"F32","shape":[2147483647,2147483647,4],"data_offsets":[0,8]`),
			[]string{`"a"`, "absurd"}},
		{"past the end", entry(`"dtype":"F32","shape":[3],"data_offsets":[0,12]`),
			[]string{`"a"`, "truncated"}},
		{"rest", entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4]`), []string{"4 bytes follow"}},
		{"overlap", two("[0,4]", "[2,6]"), []string{`"a" and "b" overlap`}},
		{"same place", two("[0,4]", "[0,4]"), []string{"overlap"}},
		{"gap", two("[0,4]", "[5,9]"), []string{"1 unused bytes", `"b"`}},
		{"twice", []byte(strings.Replace(string(two("[0,4]", "[4,8]")), `"b"`, `"a"`, 1)),
			[]string{`"a"`, "twice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, "testdata/hf4")
			path := filepath.Join(dir, "model.safetensors")
			overwrite(t, path, c.file)
			_, err := weights.Open(dir)
			wantDataError(t, err, path, c.want...)
		})
	}
}

func TestNonFiniteHFWeights(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	path := filepath.Join(dir, "model.safetensors")
	file := readFile(t, path)
	binary.LittleEndian.PutUint16(file[len(file)-2:], 0x7c00) // infinity as F16, the last weight of the last tensor
	overwrite(t, path, file)
	wantDataError(t, readAll(t, dir), path, `"model.norm.weight"`, "+Inf", "column 31")
}

func TestHFSpellings(t *testing.T) {
	rope := func(theta float64, s *weights.RopeScaling) func(*testing.T, weights.Config) {
		return func(t *testing.T, c weights.Config) {
			if c.RopeTheta != theta || (c.RopeScaling == nil) != (s == nil) || s != nil && *c.RopeScaling != *s {
				t.Errorf("theta %v, scaling %v", c.RopeTheta, c.RopeScaling)
			}
		}
	}
	scaled := &weights.RopeScaling{Factor: 2, LowFreqFactor: 1, HighFreqFactor: 4, OriginalContext: 128}
	type object = map[string]any
	settings := object{"type": "llama3", "factor": 2, "low_freq_factor": 1, "high_freq_factor": 4}
	for _, c := range []struct {
		name    string
		changes object
		check   func(*testing.T, weights.Config)
	}{
		{"no rope at all", object{"rope_theta": nil, "rope_scaling": nil}, rope(10000, nil)},
		{"old name of the type, context left out", object{"rope_scaling": settings}, rope(20000, scaled)},
		{"in rope_parameters", object{"rope_theta": nil, "rope_scaling": nil, "rope_parameters": object{
			"rope_type": "default", "rope_theta": 7000}}, rope(7000, nil)},
		{"ids left out", object{"eos_token_id": nil, "bos_token_id": nil}, func(t *testing.T, c weights.Config) {
			if c.BOS != -1 || len(c.EOS) != 0 {
				t.Errorf("begin %d, end %d", c.BOS, c.EOS)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, "testdata/hf4")
			edit(t, filepath.Join(dir, "config.json"), c.changes)
			c.check(t, open(t, dir).Config())
		})
	}
}

func TestChatTemplates(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	if m := open(t, dir); m.ChatTemplate() != "" || m.TokenizerJSON() != "" || m.Metadata() != nil {
		t.Errorf("a folder without tokenizer has %q, %q", m.ChatTemplate(), m.TokenizerJSON())
	}
	tokenizer := filepath.Join(dir, "tokenizer.json")
	overwrite(t, tokenizer, []byte("{}"))
	for _, c := range [][3]string{
		{"tokenizer_config.json", `{"chat_template": "one"}`, "one"},
		{"tokenizer_config.json", `{"chat_template": null}`, ""},
		{"tokenizer_config.json", `{"chat_template": [{"name": "tool_use", "template": "tool"},
			{"name": "default", "template": "two"}]}`, "two"},
		{"chat_template.jinja", "three\n", "three\n"},
	} {
		overwrite(t, filepath.Join(dir, c[0]), []byte(c[1]))
		if m := open(t, dir); m.ChatTemplate() != c[2] || m.TokenizerJSON() != tokenizer {
			t.Errorf("after %s: template %q, tokenizer %q", c[1], m.ChatTemplate(), m.TokenizerJSON())
		}
	}
}

// TestTiedHeadInTheFile: a copy of the embedding under the head's name is passed over, as transformers does.
func TestTiedHeadInTheFile(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	edit(t, filepath.Join(dir, "config.json"), map[string]any{"tie_word_embeddings": true})
	if _, err := open(t, dir).Tensor("lm_head.weight"); err == nil {
		t.Error("the head is a tensor of its own")
	}
}

func TestRopeFactorsFollowTheDefinition(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	c := open(t, dir).Config()
	for i, f := range c.RopeFactors {
		wavelength := 2 * math.Pi * math.Pow(c.RopeTheta, float64(2*i)/float64(c.HeadDim))
		switch {
		case wavelength < 64.0/4 && f != 1, wavelength > 64.0/1 && f != 8, f < 1, f > 8:
			t.Errorf("frequency %d of wavelength %.1f has factor %v", i, wavelength, f)
		}
	}
}
