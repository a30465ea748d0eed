// Package modeltest writes a tiny model for tests: a Hugging Face folder with a llama of two
// layers, a tokenizer of bytes and a chat template.
//
// In flows a folder's name, out flow files; weights depend on their place only, so every test sees
// the same model. Errors are those of writing files, and end the test in Open.
package modeltest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/oaif/oaif/oaif/weights"
)

// The vocabulary is the 256 bytes, each its own id, and these two added tokens.
const (
	Begin = 256 // <|begin|>, which the model wants before a text
	End   = 257 // <|end|>, which ends an answer
)

// Context is the tiny model's context in tokens.
const Context = 128

// ChatTemplate is the tiny model's.
const ChatTemplate = `{% for m in messages %}<{{ m.role }}>{{ m.content }}<|end|>{% endfor %}` +
	`{% if add_generation_prompt %}<assistant>{% endif %}`

// Config returns the tiny model's settings.
func Config() weights.Config {
	return weights.Config{
		Arch: "llama", Layers: 2, Hidden: 16, Heads: 2, KVHeads: 1, HeadDim: 8, FFN: 24,
		Vocab: End + 1, Context: Context, NormEps: 1e-5, RopeTheta: 10000, TieEmbeddings: true,
		BOS: Begin, EOS: []int32{End},
	}
}

// Write writes the tiny model to the folder dir, which must be empty or not there.
func Write(dir string) error {
	cfg := Config()
	return weights.WriteHF(dir, cfg, sources(cfg), []weights.File{
		{Name: "tokenizer.json", Write: writeTokenizer},
		{Name: "tokenizer_config.json", Write: func(path string) error {
			return writeJSON(path, map[string]any{"chat_template": ChatTemplate})
		}},
	})
}

// Open writes the tiny model to a folder of the test's own and opens it until the test ends.
func Open(t testing.TB) *weights.Model {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	file, err := weights.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return file
}

// sources lists the tensors. Norms are ones; everything else is a fixed noise, small enough for the
// network to be tame and large enough for its answers to differ.
func sources(cfg weights.Config) []weights.Source {
	var out []weights.Source
	add := func(name string, shape ...int) {
		seed := float64(len(out) + 1)
		out = append(out, weights.Source{Name: name, Shape: shape, Fill: func(dst []float32) error {
			for i := range dst {
				dst[i] = 1
				if len(shape) == 2 {
					dst[i] = float32(0.4 * math.Sin(seed+float64(i)*float64(i)))
				}
			}
			return nil
		}})
	}
	q, kv := cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	for l := range cfg.Layers {
		layer := fmt.Sprintf("model.layers.%d.", l)
		add(layer+"input_layernorm.weight", cfg.Hidden)
		add(layer+"self_attn.q_proj.weight", q, cfg.Hidden)
		add(layer+"self_attn.k_proj.weight", kv, cfg.Hidden)
		add(layer+"self_attn.v_proj.weight", kv, cfg.Hidden)
		add(layer+"self_attn.o_proj.weight", cfg.Hidden, q)
		add(layer+"post_attention_layernorm.weight", cfg.Hidden)
		add(layer+"mlp.gate_proj.weight", cfg.FFN, cfg.Hidden)
		add(layer+"mlp.up_proj.weight", cfg.FFN, cfg.Hidden)
		add(layer+"mlp.down_proj.weight", cfg.Hidden, cfg.FFN)
	}
	add("model.embed_tokens.weight", cfg.Vocab, cfg.Hidden)
	add("model.norm.weight", cfg.Hidden)
	return out
}

// writeTokenizer writes a byte-level BPE without merges.
func writeTokenizer(path string) error {
	vocab := map[string]int{}
	for b, symbol := range byteSymbols() {
		vocab[string(symbol)] = b
	}
	added := func(id int, content string) map[string]any {
		return map[string]any{"id": id, "content": content, "special": true, "normalized": false,
			"single_word": false, "lstrip": false, "rstrip": false}
	}
	byteLevel := map[string]any{
		"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
	}
	return writeJSON(path, map[string]any{
		"version":      "1.0",
		"added_tokens": []any{added(Begin, "<|begin|>"), added(End, "<|end|>")},
		"normalizer":   nil, "pre_tokenizer": byteLevel, "decoder": byteLevel,
		"post_processor": map[string]any{
			"type": "TemplateProcessing",
			"single": []any{
				map[string]any{"SpecialToken": map[string]any{"id": "<|begin|>", "type_id": 0}},
				map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}},
			},
			"pair": []any{},
			"special_tokens": map[string]any{"<|begin|>": map[string]any{
				"id": "<|begin|>", "ids": []int{Begin}, "tokens": []string{"<|begin|>"},
			}},
		},
		"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": []any{}},
	})
}

// byteSymbols returns the character that byte-level tokenizers write for each byte: itself where it
// is printable, else the next one from U+0100.
func byteSymbols() [256]rune {
	var out [256]rune
	next := rune(256)
	for b := range out {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			out[b] = rune(b)
			continue
		}
		out[b] = next
		next++
	}
	return out
}

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o666)
}
