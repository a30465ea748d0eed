package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Source is a tensor to be written: its Hugging Face name, its shape, and a function that fills its
// weights, row-major. Fill is called once, with a buffer that it must not keep.
type Source struct {
	Name  string
	Shape []int
	Fill  func(dst []float32) error
}

// File is a further file to be written: Write creates it at path, whose last element is Name.
type File struct {
	Name  string
	Write func(path string) error
}

// WriteHF writes a Hugging Face folder that transformers loads: model.safetensors in F32,
// config.json, generation_config.json and the extra files. The tensors must be exactly those of
// cfg's family, in any order; one tensor at a time is held in memory.
//
// Everything is written to the folder dir + ".tmp", synced, and renamed: dir is the old folder or
// the whole new one. A dir that exists is replaced only if it is empty or holds a config.json. On
// any error, a full disk included, nothing new is left behind; the error is an oaif.DataError, or
// the one of Fill or Write.
func WriteHF(dir string, cfg Config, tensors []Source, extra []File) error {
	dir = filepath.Clean(dir)
	fam, err := familyBy(dir, "architecture", cfg.Arch, archName)
	if err != nil {
		return err
	}
	if err := checkSources(dir, fam, cfg, tensors); err != nil {
		return err
	}
	if err := checkReplaceable(dir); err != nil {
		return err
	}
	staged := dir + ".tmp" // in the same folder, so that a rename suffices
	if err := errors.Join(os.RemoveAll(staged), os.MkdirAll(staged, 0o755)); err != nil {
		return writeError(dir, err)
	}
	if err := stage(dir, staged, fam, cfg, tensors, extra); err != nil {
		return errors.Join(writeError(dir, err), os.RemoveAll(staged))
	}
	if err := replaceFolder(dir, staged); err != nil {
		return errors.Join(writeError(dir, err), os.RemoveAll(staged))
	}
	return nil
}

// checkSources refuses settings that config.json cannot express and tensors that do not make up the
// model.
func checkSources(dir string, fam *family, cfg Config, tensors []Source) error {
	if err := cfg.check(dir); err != nil {
		return err
	}
	if cfg.Reward {
		return dataError(dir, "cannot be written: reward models are only read")
	}
	if cfg.RopeFactors != nil && cfg.RopeScaling == nil {
		return dataError(dir,
			"cannot be written: the rotary frequency factors are of no type that config.json knows")
	}
	shapes := make(map[string][]int)
	for _, s := range fam.tensors(cfg) {
		shapes[s.hf] = s.shape
	}
	for _, t := range tensors {
		shape, ok := shapes[t.Name]
		if !ok {
			return dataError(dir,
				"cannot be written: tensor %q is there twice or has no place in this model", t.Name)
		}
		if !slices.Equal(shape, t.Shape) {
			return dataError(dir, "cannot be written: tensor %q has shape %s, expected %s",
				t.Name, shapeText(t.Shape), shapeText(shape))
		}
		delete(shapes, t.Name)
	}
	if missing := sortedKeys(shapes); len(missing) > 0 {
		return dataError(dir, "cannot be written: tensor %q is missing", missing[0])
	}
	return nil
}

// checkReplaceable keeps a mistyped path from costing a folder of something else.
func checkReplaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return dataError(dir, "cannot be written: %v", cause(err))
	case len(entries) > 0 && !exists(filepath.Join(dir, configFile)):
		return dataError(dir, "exists and is not a model folder (it has no %s); it is not replaced",
			configFile)
	}
	return nil
}

// stage writes all files into the new folder staged; error lines name dir.
func stage(dir, staged string, fam *family, cfg Config, tensors []Source, extra []File) error {
	if err := writeSafetensors(dir, filepath.Join(staged, weightsFile), tensors); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(staged, configFile), configJSON(fam, cfg)); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(staged, generationFile), idsJSON(cfg)); err != nil {
		return err
	}
	for _, f := range extra {
		if f.Name != filepath.Base(f.Name) || exists(filepath.Join(staged, f.Name)) {
			return fmt.Errorf("weights: %q is not a free file name for a model folder", f.Name)
		}
		if err := f.Write(filepath.Join(staged, f.Name)); err != nil {
			return err
		}
	}
	return syncFolder(staged)
}

// configJSON returns config.json. The rotary settings have the spelling of transformers 4, which 5
// reads too.
func configJSON(fam *family, c Config) map[string]any {
	out := idsJSON(c)
	out["architectures"] = []string{fam.hfClass}
	out["model_type"] = fam.hfType
	out["torch_dtype"] = "float32"
	out["num_hidden_layers"] = c.Layers
	out["hidden_size"] = c.Hidden
	out["num_attention_heads"] = c.Heads
	out["intermediate_size"] = c.FFN
	out["vocab_size"] = c.Vocab
	out["max_position_embeddings"] = c.Context
	out["tie_word_embeddings"] = c.TieEmbeddings
	fam.toHF(c, out)
	return out
}

// idsJSON returns the entries that config.json and generation_config.json share.
func idsJSON(c Config) map[string]any {
	out := map[string]any{"bos_token_id": nil, "eos_token_id": nil}
	if c.BOS >= 0 {
		out["bos_token_id"] = c.BOS
	}
	switch len(c.EOS) {
	case 0:
	case 1:
		out["eos_token_id"] = c.EOS[0]
	default:
		out["eos_token_id"] = c.EOS
	}
	return out
}

func writeJSON(path string, object map[string]any) error {
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	return createFile(path, func(f *os.File) error {
		_, err := f.Write(append(text, '\n'))
		return err
	})
}

// writeError makes one line of a failed system call; other errors pass.
func writeError(dir string, err error) error {
	var number syscall.Errno
	if errors.As(err, &number) {
		return dataError(dir, "cannot be written: %v", number)
	}
	return err
}
