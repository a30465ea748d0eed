package weights

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// The files of a Hugging Face folder.
const (
	configFile     = "config.json"
	generationFile = "generation_config.json"
	weightsFile    = "model.safetensors"
	indexFile      = "model.safetensors.index.json"
	tokenizerFile  = "tokenizer.json"
	tokenizerSetup = "tokenizer_config.json"
	templateFile   = "chat_template.jinja"
)

// settingsFiles are the files beside the weights that decide what a model does.
var settingsFiles = []string{configFile, generationFile, tokenizerFile, tokenizerSetup,
	templateFile}

// openHF builds a model, or a reward model, from a Hugging Face folder.
func openHF(dir string, reward bool) (*Model, error) {
	if err := checkSettings(dir); err != nil {
		return nil, err
	}
	fam, cfg, err := readHFConfig(dir, reward)
	if err != nil {
		return nil, err
	}
	m := &Model{path: dir, cfg: cfg}
	if m.template, err = readTemplate(dir); err != nil {
		return nil, err
	}
	for _, name := range settingsFiles {
		path := filepath.Join(dir, name)
		if !exists(path) {
			continue
		}
		m.digested = append(m.digested, path)
		if name == tokenizerFile {
			m.tokenizer = path
		}
	}
	found, err := m.mapShards(dir)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	if err := checkLayers(dir, cfg, len(found)); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	m.tensors, err = resolve(dir, fam.tensors(cfg), found,
		func(s tensorSpec) string { return s.hf },
		func(name string) bool { return fam.ignored(cfg, name) })
	if err == nil && cfg.TieEmbeddings {
		err = m.checkTied(fam, found)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// readHFConfig reads config.json and generation_config.json.
func readHFConfig(dir string, reward bool) (*family, Config, error) {
	k, err := readJSON(filepath.Join(dir, configFile))
	if err != nil {
		return nil, Config{}, err
	}
	kind := k.stringOr("model_type", "")
	fam, err := familyBy(k.path, "model_type", kind, hfName)
	if err != nil {
		return nil, Config{}, err
	}
	k.checkClass(fam, reward)
	if k.has("quantization_config") {
		k.fail("quantization_config: quantized folders are not supported")
	}
	cfg := fam.fromHF(k)
	if reward {
		k.reward(&cfg)
	}
	cfg.Arch = fam.arch
	cfg.BOS = -1
	if ids := k.ids("bos_token_id"); len(ids) > 0 {
		cfg.BOS = ids[0]
	}
	generation, err := readJSONIfThere(filepath.Join(dir, generationFile))
	if err != nil {
		return nil, Config{}, err
	}
	cfg.EOS = uniteIDs(append(k.ids("eos_token_id"), generation.ids("eos_token_id")...))
	k.refuseUnread(slices.Concat(harmless, fam.harmless)...)
	for _, err := range []error{k.err, generation.err, cfg.check(k.path)} {
		if err != nil {
			return nil, Config{}, err
		}
	}
	return fam, cfg, cfg.applyScaling(k.path)
}

// mapShards maps the file or files of weights and returns their tensors.
func (m *Model) mapShards(dir string) (map[string]Tensor, error) {
	if exists(filepath.Join(dir, weightsFile)) {
		return m.mapShard(dir, weightsFile)
	}
	index := filepath.Join(dir, indexFile)
	if !exists(index) {
		return nil, dataError(dir, "has neither %s nor %s", weightsFile, indexFile)
	}
	m.digested = append(m.digested, index)
	shardOf, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	all := make(map[string]Tensor, len(shardOf))
	done := make(map[string]bool)
	for _, name := range sortedKeys(shardOf) {
		shard := shardOf[name]
		if !done[shard] {
			done[shard] = true
			if err := m.addShard(dir, shard, shardOf, all); err != nil {
				return nil, err
			}
		}
		if _, ok := all[name]; !ok {
			return nil, dataError(filepath.Join(dir, shard),
				"tensor %q is missing, though %s lists it", name, indexFile)
		}
	}
	return all, nil
}

// addShard maps one shard and adds its tensors, each of which the index must place in this shard.
func (m *Model) addShard(dir, shard string, shardOf map[string]string,
	all map[string]Tensor) error {
	tensors, err := m.mapShard(dir, shard)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(tensors) {
		if shardOf[name] != shard {
			return dataError(filepath.Join(dir, shard),
				"tensor %q is not listed for this file in %s",
				name, indexFile)
		}
		all[name] = tensors[name]
	}
	return nil
}

// mapShard maps one safetensors file, adding it to the model's files, and reads its header.
func (m *Model) mapShard(dir, name string) (map[string]Tensor, error) {
	path := filepath.Join(dir, name)
	if err := checkInside(dir, path); err != nil {
		return nil, err
	}
	file, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	m.files = append(m.files, file)
	m.digested = append(m.digested, path)
	var tensors map[string]Tensor
	err = file.guard(func() error {
		var err error
		tensors, err = parseSafetensors(file)
		return err
	})
	return tensors, err
}

// readIndex returns the shard of each tensor.
func readIndex(path string) (map[string]string, error) {
	k, err := readJSON(path)
	if err != nil {
		return nil, err
	}
	var shardOf map[string]string
	if !k.read("weight_map", &shardOf, "an object of file names") {
		k.fail("weight_map is missing")
		return nil, k.err
	}
	for _, name := range sortedKeys(shardOf) {
		if shard := shardOf[name]; shard != filepath.Base(shard) || shard == "." || shard == ".." {
			return nil, dataError(path,
				"tensor %q lies in %q, which is not the name of a file in the folder", name, shard)
		}
	}
	return shardOf, nil
}

// readTemplate returns the folder's chat template: its own file, or the one of
// tokenizer_config.json, which may be a text or a list of named ones.
func readTemplate(dir string) (string, error) {
	path := filepath.Join(dir, templateFile)
	if exists(path) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", dataError(path, "cannot be read: %v", cause(err))
		}
		if !utf8.Valid(text) {
			return "", dataError(path, "is not UTF-8")
		}
		return string(text), nil
	}
	k, err := readJSONIfThere(filepath.Join(dir, tokenizerSetup))
	if err != nil || !k.has("chat_template") {
		return "", err
	}
	var text string
	if json.Unmarshal(k.raw["chat_template"], &text) == nil {
		return text, nil
	}
	var named []struct{ Name, Template string }
	k.read("chat_template", &named, "a text or a list of named texts")
	for _, t := range named {
		if t.Name == "default" {
			return t.Template, k.err
		}
	}
	return "", k.err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
