package weights_test

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif/weights"
)

// familyModels holds tiny models of all families that transformers wrote.
const familyModels = "../model/testdata/families"

// familyConfigs returns the settings of the tiny models; the script that wrote them is
// testdata/families.py.
func familyConfigs() map[string]weights.Config {
	like := func(arch string, heads, headDim int, change func(c *weights.Config)) weights.Config {
		c := weights.Config{Arch: arch, Layers: 2, Hidden: 16, Heads: heads, KVHeads: 2,
			HeadDim: headDim, FFN: 24, Vocab: 40, Context: 128, NormEps: 1e-5, RopeTheta: 10000,
			BOS: 1, EOS: []int32{2}}
		change(&c)
		return c
	}
	yarn := func(change weights.RopeScaling) *weights.RopeScaling {
		change.Type, change.Factor, change.OriginalContext = "yarn", 4, 32
		return &change
	}
	llama3 := &weights.RopeScaling{Type: "llama3", Factor: 8, LowFreqFactor: 1, HighFreqFactor: 4,
		OriginalContext: 32}
	gemma := weights.Variant{NormOffset: 1, PostNorms: true, Activation: weights.GELUTanh,
		EmbedScale: 4}
	return map[string]weights.Config{
		"llama": like("llama", 4, 8, func(c *weights.Config) {
			c.TieEmbeddings, c.RopeScaling = true, llama3
		}),
		"llama-bias": like("llama", 4, 6, func(c *weights.Config) {
			c.QKVBias, c.OutBias, c.MLPBias, c.Activation = true, true, true, weights.GELU
			c.RopeScaling = &weights.RopeScaling{Type: "linear", Factor: 4}
		}),
		"mistral": like("mistral", 4, 6, func(c *weights.Config) { c.Windows = []int{5, 5} }),
		"mistral-yarn": like("mistral", 2, 8, func(c *weights.Config) {
			c.Activation = weights.GELUTanh
			c.RopeScaling = yarn(weights.RopeScaling{MScale: 0.8, MScaleAllDim: 0.4, BetaFast: 8,
				BetaSlow: 0.5, NoTruncate: true})
			c.RopeMagnitude = (1 + 0.08*math.Log(4)) / (1 + 0.04*math.Log(4))
		}),
		"qwen2": like("qwen2", 4, 8, func(c *weights.Config) {
			c.QKVBias, c.TieEmbeddings, c.RopeTheta = true, true, 1e6
			c.RopeScaling, c.RopeMagnitude = yarn(weights.RopeScaling{}), 1+0.1*math.Log(4)
		}),
		"qwen2-window": like("qwen2", 2, 8, func(c *weights.Config) {
			c.QKVBias, c.KVHeads, c.Layers, c.Windows = true, 1, 3, []int{0, 4, 4}
		}),
		"qwen3": like("qwen3", 4, 10, func(c *weights.Config) {
			c.QKNorm, c.TieEmbeddings, c.RopeTheta = true, true, 1e6
		}),
		"qwen3-bias": like("qwen3", 4, 8, func(c *weights.Config) {
			c.QKNorm, c.QKVBias, c.OutBias, c.Layers = true, true, true, 3
			c.Windows = []int{6, 0, 6}
			c.RopeScaling, c.RopeMagnitude = yarn(weights.RopeScaling{AttentionFactor: 1.3}), 1.3
		}),
		"gemma2": like("gemma2", 4, 8, func(c *weights.Config) {
			c.Variant, c.TieEmbeddings, c.Layers = gemma, true, 3
			c.Windows, c.QueryScale = []int{5, 0, 5}, math.Pow(24, -0.5)
			c.AttentionCap, c.LogitCap = 2, 4
		}),
		"gemma2-plain": like("gemma2", 4, 6, func(c *weights.Config) {
			c.Variant = gemma
			c.QKVBias, c.OutBias = true, true
			c.Windows, c.QueryScale = []int{0, 4}, math.Pow(8, -0.5)
		}),
		"gemma3": like("gemma3", 4, 8, func(c *weights.Config) {
			c.Variant, c.TieEmbeddings, c.Layers, c.QKNorm = gemma, true, 4, true
			c.QKNorm, c.Windows, c.QueryScale = true, []int{6, 6, 0, 6}, math.Pow(12, -0.5)
			c.RopeTheta, c.LocalRopeTheta = 1e6, 5000
			c.RopeScaling = &weights.RopeScaling{Type: "linear", Factor: 8}
		}),
		"gemma3-cap": like("gemma3", 2, 6, func(c *weights.Config) {
			c.Variant, c.TieEmbeddings, c.KVHeads = gemma, true, 1
			c.QKNorm, c.QKVBias, c.OutBias, c.LogitCap = true, true, true, 5
			c.Windows, c.QueryScale = []int{4, 0}, math.Pow(6, -0.5)
			c.RopeTheta, c.LocalRopeTheta, c.RopeScaling = 1e6, 10000, llama3
		}),
		"gpt_neox": like("gpt_neox", 2, 8, func(c *weights.Config) {
			c.Variant = weights.Variant{LayerNorm: true, Parallel: true, Activation: weights.GELU,
				Ungated: true, QKVBias: true, OutBias: true, MLPBias: true, RotaryDim: 4}
		}),
		"gpt_neox-serial": like("gpt_neox", 2, 8, func(c *weights.Config) {
			c.Variant = weights.Variant{LayerNorm: true, Activation: weights.GELUTanh,
				Ungated: true, QKVBias: true, OutBias: true, MLPBias: true}
			c.TieEmbeddings = true
			c.RopeScaling = &weights.RopeScaling{Type: "linear", Factor: 4}
		}),
	}
}

// sameConfig compares settings up to rounding; the factors have a test of their own.
var sameConfig = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApprox(1e-12, 0),
	cmpopts.IgnoreFields(weights.Config{}, "RopeFactors")}

// parameters returns the names of a safetensors file and their shapes.
func parameters(t *testing.T, path string) map[string][]int {
	t.Helper()
	file := readFile(t, path)
	var header map[string]struct{ Shape []int }
	if err := json.Unmarshal(file[8:8+binary.LittleEndian.Uint64(file)], &header); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	out := make(map[string][]int)
	for name, entry := range header {
		out[name] = entry.Shape
	}
	return out
}

// TestFamilies: what transformers wrote is read, written and read again.
func TestFamilies(t *testing.T) {
	for name, want := range familyConfigs() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(familyModels, name)
			m := open(t, dir)
			if diff := cmp.Diff(want, m.Config(), sameConfig); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
			layout, err := weights.Layout(m.Config())
			if err != nil {
				t.Fatal(err)
			}
			placed := make(map[string][]int)
			for i, p := range layout {
				if placed[p.Name] = p.Shape; i > 0 && p.Buffer < layout[i-1].Buffer {
					t.Errorf("%s of buffer %d follows buffer %d", p.Name, p.Buffer,
						layout[i-1].Buffer)
				}
			}
			// These are exactly the parameters of the model in transformers.
			inTransformers := parameters(t, filepath.Join(dir, "grads.safetensors"))
			if diff := cmp.Diff(inTransformers, placed); diff != "" || len(layout) != len(placed) {
				t.Errorf("%d tensors (-transformers +layout):\n%s", len(layout), diff)
			}
			copied := filepath.Join(t.TempDir(), "model")
			if err := weights.WriteHF(copied, m.Config(), sources(t, m), nil); err != nil {
				t.Fatal(err)
			}
			back := open(t, copied)
			if diff := cmp.Diff(m.Config(), back.Config()); diff != "" {
				t.Errorf("config (-read +read again):\n%s", diff)
			}
			if diff := cmp.Diff(digests(t, m), digests(t, back)); diff != "" {
				t.Errorf("tensors (-read +read again):\n%s", diff)
			}
		})
	}
}

// TestFamiliesInGGUF: a file under llama.cpp's names and in its form is the same model.
func TestFamiliesInGGUF(t *testing.T) {
	for name, change := range map[string]func(c *weights.Config){
		"llama-bias": func(c *weights.Config) { c.Activation = weights.SiLU }, // which GGUF implies
		"qwen2":      func(*weights.Config) {},
		"qwen3":      func(*weights.Config) {},
		"gemma3": func(c *weights.Config) {
			c.QueryScale = math.Pow(8, -0.5) // GGUF implies the head size
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, filepath.Join("testdata", name+".gguf"))
			want := familyConfigs()[name]
			change(&want)
			if diff := cmp.Diff(want, m.Config(), sameConfig); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
			folder := open(t, filepath.Join(familyModels, name))
			if diff := cmp.Diff(digests(t, folder), digests(t, m)); diff != "" {
				t.Errorf("tensors (-folder +file):\n%s", diff)
			}
			if diff := cmp.Diff(folder.Config().RopeFactors, m.Config().RopeFactors); diff != "" {
				t.Errorf("factors (-folder +file):\n%s", diff)
			}
		})
	}
}

// TestLayoutOrder: the order within a layer's buffer is what the transformer reads.
func TestLayoutOrder(t *testing.T) {
	c := weights.Config{Arch: "gemma3", Layers: 1, Hidden: 8, Heads: 2, KVHeads: 1, HeadDim: 6,
		FFN: 4, Vocab: 3, TieEmbeddings: true, Variant: weights.Variant{QKNorm: true,
			PostNorms: true, QKVBias: true, OutBias: true, MLPBias: true}}
	layout, err := weights.Layout(c)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range layout {
		names = append(names, p.Name)
	}
	const layer = "model.layers.0."
	const attention, mlp = layer + "self_attn.", layer + "mlp."
	want := []string{layer + "input_layernorm.weight",
		attention + "q_proj.weight", attention + "k_proj.weight", attention + "v_proj.weight",
		attention + "q_proj.bias", attention + "k_proj.bias", attention + "v_proj.bias",
		attention + "q_norm.weight", attention + "k_norm.weight",
		attention + "o_proj.weight", attention + "o_proj.bias",
		layer + "post_attention_layernorm.weight", layer + "pre_feedforward_layernorm.weight",
		mlp + "gate_proj.weight", mlp + "up_proj.weight", mlp + "gate_proj.bias",
		mlp + "up_proj.bias", mlp + "down_proj.weight", mlp + "down_proj.bias",
		layer + "post_feedforward_layernorm.weight",
		"model.embed_tokens.weight", "model.norm.weight"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// TestFusedRows: [head, query key value, dimension] becomes all queries, all keys, all values.
func TestFusedRows(t *testing.T) {
	layout, err := weights.Layout(weights.Config{Arch: "gpt_neox", Layers: 1, Hidden: 4, Heads: 2,
		KVHeads: 2, HeadDim: 2, FFN: 4, Vocab: 3, Variant: weights.Variant{LayerNorm: true,
			Ungated: true, QKVBias: true, OutBias: true, MLPBias: true}})
	if err != nil {
		t.Fatal(err)
	}
	placed := make(map[string][]int)
	for _, p := range layout {
		if p.Place == nil {
			continue
		}
		for row := range p.Shape[0] {
			placed[p.Name] = append(placed[p.Name], p.Place(row))
		}
	}
	rows := []int{0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11}
	want := map[string][]int{
		"gpt_neox.layers.0.attention.query_key_value.weight": rows,
		"gpt_neox.layers.0.attention.query_key_value.bias":   rows,
	}
	if diff := cmp.Diff(want, placed); diff != "" {
		t.Errorf("%s\n%v", diff, slices.Sorted(maps.Keys(placed)))
	}
}
