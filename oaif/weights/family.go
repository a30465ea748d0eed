package weights

import (
	"fmt"
	"slices"
	"strings"
)

// family is what is known of one model architecture. A new one is a file like llama.go and a line
// in families.
type family struct {
	arch     string // Config.Arch and general.architecture of a GGUF file
	hfType   string // model_type of config.json
	hfClass  string // the class that architectures of config.json must name
	fromGGUF func(k *ggufKeys) Config
	fromHF   func(k *hfKeys) Config
	// toHF returns the entries of config.json that only this family has.
	toHF func(c Config) map[string]any
	// tensors lists all tensors of a model, each exactly once, in the order of Layout.
	tensors func(c Config) []tensorSpec
	// ignored says that a tensor of a Hugging Face folder can be left out without changing the
	// model.
	ignored func(c Config, hfName string) bool
}

var families = []*family{&llama}

// tensorSpec is a tensor that a model must have.
type tensorSpec struct {
	hf, gguf    string
	shape       []int
	rotaryHeads int // not 0: GGUF interleaves the rows of this many heads
	buffer      int // see Piece
	place       func(row int) int
}

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

// Layout lists all tensors of a model in the order in which they lie in the flat buffers. A layer
// has, where the variant has them: the norm before attention, weight and bias; queries, keys and
// values; their biases; the norms of queries and of keys; the output product and its bias; the
// norm after it; the norm before the feed-forward, weight and bias; gate, up (or up alone) and
// their biases; down and its bias; the norm after it.
func Layout(c Config) ([]Piece, error) {
	fam, err := familyBy("", "architecture", c.Arch,
		func(f *family) bool { return f.arch == c.Arch })
	if err != nil {
		return nil, err
	}
	var out []Piece
	for _, s := range fam.tensors(c) {
		out = append(out, Piece{s.hf, s.shape, s.buffer, s.place})
	}
	return out, nil
}

// familyBy returns the first family for which match holds; kind and name say in the refusal what
// was sought.
func familyBy(path, kind, name string, match func(*family) bool) (*family, error) {
	if i := slices.IndexFunc(families, match); i >= 0 {
		return families[i], nil
	}
	known := make([]string, len(families))
	for i, f := range families {
		known[i] = f.arch
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
