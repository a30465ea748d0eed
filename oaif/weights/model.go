package weights

import (
	"errors"
	"os"
	"slices"
	"sync"
)

// Model is an open model. It is safe for concurrent use; Close waits for conversions under way.
type Model struct {
	path      string
	cfg       Config
	tensors   map[string]Tensor // by Hugging Face name
	files     []*mapping
	md        *GGUFMetadata
	tokenizer string   // path of tokenizer.json, or ""
	template  string   // chat template, or ""
	digested  []string // files that Digest covers, in order
	digest    func() (string, error)
}

// Open maps and checks the language model at path: a GGUF file, or a Hugging Face folder with
// config.json and model.safetensors or model.safetensors.index.json. Weights are not converted yet.
// A fault of the files is an oaif.DataError, and so is a reward model: see OpenReward.
func Open(path string) (*Model, error) { return open(path, false) }

// open is Open, or OpenReward.
func open(path string, reward bool) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, dataError(path, "cannot be opened: %v", cause(err))
	}
	m, err := openPath(path, info.IsDir(), reward)
	if err != nil {
		return nil, err
	}
	m.digest = sync.OnceValues(func() (string, error) { return digestFiles(m.path, m.digested) })
	return m, nil
}

func openPath(path string, folder, reward bool) (*Model, error) {
	if folder {
		return openHF(path, reward)
	}
	if reward {
		return nil, dataError(path, "is not the folder of a reward model")
	}
	file, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	var m *Model
	err = file.guard(func() error {
		m, err = openGGUF(file)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, file.close())
	}
	return m, nil
}

// Config returns the model's settings. The slices in it are copies.
func (m *Model) Config() Config {
	c := m.cfg
	c.EOS = slices.Clone(c.EOS)
	c.RopeFactors = slices.Clone(c.RopeFactors)
	c.Windows = slices.Clone(c.Windows)
	return c
}

// Tensors returns the Hugging Face names of all tensors, ascending.
func (m *Model) Tensors() []string { return sortedKeys(m.tensors) }

// Tensor returns the tensor with a Hugging Face name; a name that the model lacks is an
// oaif.DataError.
func (m *Model) Tensor(name string) (Tensor, error) {
	t, ok := m.tensors[name]
	if !ok {
		return Tensor{}, dataError(m.path, "tensor %q is missing", name)
	}
	t.Shape = slices.Clone(t.Shape)
	return t, nil
}

// Metadata returns the key-value pairs of a GGUF file, nil for a Hugging Face folder.
func (m *Model) Metadata() *GGUFMetadata { return m.md }

// Path returns the path that the model was opened with.
func (m *Model) Path() string { return m.path }

// TokenizerJSON returns the path of the folder's tokenizer.json, "" when there is none.
func (m *Model) TokenizerJSON() string { return m.tokenizer }

// ChatTemplate returns the Jinja source of the chat template that comes with the model, "" when
// there is none.
func (m *Model) ChatTemplate() string { return m.template }

// EOS returns the ids that end a completion, ascending: those of config.json and
// generation_config.json, or the eos, eot and eom ids of a GGUF file.
func (m *Model) EOS() []int32 { return slices.Clone(m.cfg.EOS) }

// Digest returns the SHA-256 of the model's files in hexadecimal. For a GGUF file it is the file's
// own; for a folder it covers the names and contents of all files that are read here or by a
// tokenizer. It is computed once.
func (m *Model) Digest() (string, error) { return m.digest() }

// Close unmaps the files. Tensors taken from the model give an error afterwards. It may be called
// twice.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
