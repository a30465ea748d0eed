package weights_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/weights"
)

func TestHFSpellings(t *testing.T) {
	rope := func(theta float64, s *weights.RopeScaling) func(*testing.T, weights.Config) {
		return func(t *testing.T, c weights.Config) {
			if c.RopeTheta != theta || (c.RopeScaling == nil) != (s == nil) ||
				s != nil && *c.RopeScaling != *s {
				t.Errorf("theta %v, scaling %v", c.RopeTheta, c.RopeScaling)
			}
		}
	}
	scaled := &weights.RopeScaling{Type: "llama3", Factor: 2, LowFreqFactor: 1,
		HighFreqFactor: 4, OriginalContext: 128}
	type object = map[string]any
	settings := object{"type": "llama3", "factor": 2, "low_freq_factor": 1, "high_freq_factor": 4}
	for _, c := range []struct {
		name    string
		changes object
		check   func(*testing.T, weights.Config)
	}{
		{"no rope at all", object{"rope_theta": nil, "rope_scaling": nil}, rope(10000, nil)},
		{"old name of the type, context left out", object{"rope_scaling": settings},
			rope(20000, scaled)},
		{"in rope_parameters", object{"rope_theta": nil, "rope_scaling": nil,
			"rope_parameters": object{"rope_type": "default", "rope_theta": 7000}},
			rope(7000, nil)},
		{"ids left out", object{"eos_token_id": nil, "bos_token_id": nil},
			func(t *testing.T, c weights.Config) {
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
			t.Errorf("after %s: template %q, tokenizer %q", c[1], m.ChatTemplate(),
				m.TokenizerJSON())
		}
	}
}

// TestTiedHeadInTheFile: a copy of the embedding under the head's name is passed over, as
// transformers does. One that differs is refused: transformers does not tie it then.
func TestTiedHeadInTheFile(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	edit(t, filepath.Join(dir, "config.json"), map[string]any{"tie_word_embeddings": true})
	_, err := weights.Open(dir)
	if !errors.Is(err, oaif.ErrData) || !strings.Contains(err.Error(), `"lm_head.weight"`) {
		t.Errorf("a head of its own: %v", err)
	}
	path := filepath.Join(dir, "model.safetensors")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := 8 + int(binary.LittleEndian.Uint64(file))
	var tensors map[string]struct {
		At [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(file[8:header], &tensors); err != nil {
		t.Fatal(err)
	}
	from, to := tensors["model.embed_tokens.weight"].At, tensors["lm_head.weight"].At
	copy(file[header+to[0]:header+to[1]], file[header+from[0]:header+from[1]])
	overwrite(t, path, file)
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
