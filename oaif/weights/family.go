package weights

import (
	"fmt"
	"slices"
	"strings"
)

// family is what is known of one model architecture. A new one is a file like qwen3.go and a line
// in families.
type family struct {
	arch    string // Config.Arch, and general.architecture of a GGUF file
	hfType  string // model_type of config.json
	hfClass string // the class that architectures of config.json must name
	// rewardClass is that of its reward models; "" if they are not supported.
	rewardClass string
	// fromGGUF reads the settings of a GGUF file, nil if such files are not read.
	fromGGUF func(k *ggufKeys) Config
	// interleaved says that GGUF files interleave the rows of queries and keys.
	interleaved bool
	fromHF      func(k *hfKeys) Config
	// harmless are further keys of config.json that change nothing here.
	harmless []string
	// toHF adds to the entries of config.json that all families have.
	toHF func(c Config, out map[string]any)
	// tensors lists all tensors of a model, each exactly once, in the order of Layout.
	tensors func(c Config) []tensorSpec
	// ignored says that a tensor of a Hugging Face folder can be left out without changing the
	// model.
	ignored func(c Config, hfName string) bool
}

var families = []*family{&llama, &mistral, &qwen2, &qwen3, &gemma2, &gemma3, &gptNeoX}

// tensorSpec is a tensor that a model must have.
type tensorSpec struct {
	hf, gguf    string
	shape       []int
	norm        bool // the weight of a norm
	rotaryHeads int  // not 0: queries or keys of this many heads
	buffer      int  // see Piece; noBuffer for none
	place       func(row int) int
}

// noBuffer is the buffer of a tensor that lies in none.
const noBuffer = -1

// Piece says where a tensor lies among a model's flat buffers.
type Piece struct {
	Name  string // Hugging Face name
	Shape []int
	// Buffer is the layer's number, or Layers for the embedding, Layers+1 for the final norm,
	// Layers+2 for the head. Pieces of a buffer follow one another without gaps.
	Buffer int
	// Place says which row of the piece holds a row of the tensor; nil stands for the same one.
	Place func(row int) int
}

// Layout lists all tensors of a model but ScoreName in the order in which they lie in the flat
// buffers. A layer has, where the variant has them: the norm before attention, weight and bias;
// queries, keys and values; their biases; the norms of queries and of keys; the output product and
// its bias; the norm after it; the norm before the feed-forward, weight and bias; gate, up (or up
// alone) and their biases; down and its bias; the norm after it.
func Layout(c Config) ([]Piece, error) {
	fam, err := familyBy("", "architecture", c.Arch, archName)
	if err != nil {
		return nil, err
	}
	var out []Piece
	for _, s := range fam.tensors(c) {
		if s.buffer != noBuffer {
			out = append(out, Piece{s.hf, s.shape, s.buffer, s.place})
		}
	}
	return out, nil
}

// The names by which a family is sought. One of "" cannot be sought that way.
func archName(f *family) string { return f.arch }
func hfName(f *family) string   { return f.hfType }
func ggufName(f *family) string {
	if f.fromGGUF == nil {
		return ""
	}
	return f.arch
}

// familyBy returns the family that of calls name; kind says in the refusal what was sought.
func familyBy(path, kind, name string, of func(*family) string) (*family, error) {
	var known []string
	for _, f := range families {
		if of(f) == name && name != "" {
			return f, nil
		}
		if of(f) != "" {
			known = append(known, of(f))
		}
	}
	return nil, dataError(path, "%s %q is not supported (supported: %s)", kind, name,
		strings.Join(known, ", "))
}

// checkLayers refuses more layers than there are tensors, before as many are listed.
func checkLayers(path string, cfg Config, tensors int) error {
	if cfg.Layers > tensors {
		return dataError(path, "has %d tensors, too few for %d layers", tensors, cfg.Layers)
	}
	return nil
}

// resolve pairs the family's tensors with the ones found, by the names that key picks, and checks
// shapes. Found tensors that the model has no place for are refused, unless spare says that they do
// no harm.
func resolve(path string, specs []tensorSpec, found map[string]Tensor, key func(tensorSpec) string,
	spare func(name string) bool) (map[string]Tensor, error) {
	out := make(map[string]Tensor, len(specs))
	used := make(map[string]bool, len(specs))
	for _, s := range specs {
		t, ok := found[key(s)]
		if !ok {
			return nil, dataError(path, "tensor %q is missing", key(s))
		}
		if !slices.Equal(t.Shape, s.shape) {
			return nil, dataError(t.file.path, "tensor %q has shape %s, expected %s", t.fileName,
				shapeText(t.Shape), shapeText(s.shape))
		}
		if !t.DType.readable() {
			return nil, dataError(t.file.path, "tensor %q has type %s, which is not supported",
				t.fileName, t.DType)
		}
		t.Name = s.hf
		out[s.hf], used[key(s)] = t, true
	}
	for _, name := range sortedKeys(found) {
		if !used[name] && !spare(name) {
			return nil, dataError(found[name].file.path,
				"tensor %q has no place in this model", name)
		}
	}
	return out, nil
}

// shapeText prints a shape as [rows, columns].
func shapeText(shape []int) string {
	return strings.ReplaceAll(fmt.Sprint(shape), " ", ", ")
}
