package weights

import (
	"cmp"
	"strconv"
)

// openGGUF builds a model from a mapped GGUF file.
func openGGUF(m *mapping) (*Model, error) {
	f, err := parseGGUF(m)
	if err != nil {
		return nil, err
	}
	k := &ggufKeys{path: m.path, md: f.md, tensors: f.tensors, seen: make(map[string]bool)}
	k.require("split.count", 1)
	arch := k.stringOr("general.architecture", "")
	if k.err != nil {
		return nil, k.err
	}
	fam, err := familyBy(m.path, "architecture", arch, ggufName)
	if err != nil {
		return nil, err
	}
	cfg := ggufConfig(k, fam, f)
	if k.err != nil {
		return nil, k.err
	}
	if err = cmp.Or(cfg.check(m.path), checkLayers(m.path, cfg, len(f.tensors))); err != nil {
		return nil, err
	}
	if err := f.ropeFactors(m.path, &cfg); err != nil {
		return nil, err
	}
	specs := fam.tensors(cfg)
	tensors, err := resolve(m.path, specs, f.tensors, func(s tensorSpec) string { return s.gguf },
		func(name string) bool { return name == ropeFreqs })
	if err != nil {
		return nil, err
	}
	for _, s := range specs {
		if tensors[s.hf], err = fam.undo(cfg, s, tensors[s.hf]); err != nil {
			return nil, err
		}
	}
	return &Model{path: m.path, cfg: cfg, tensors: tensors, files: []*mapping{m}, md: f.md,
		template: k.stringOr("tokenizer.chat_template", ""), digested: []string{m.path}}, k.err
}

// undo has a tensor read as it was before llama.cpp's converter changed it.
func (fam *family) undo(c Config, s tensorSpec, t Tensor) (Tensor, error) {
	if fam.interleaved {
		t.rotaryHeads = s.rotaryHeads
	}
	if t.rotaryHeads != 0 && len(t.Shape) == 1 && formats[t.DType].block != 1 {
		return t, dataError(t.file.path, "tensor %q has type %s, which is not supported for a bias",
			t.fileName, t.DType)
	}
	if s.norm {
		t.minus = float32(c.NormOffset)
	}
	return t, nil
}

// ggufConfig reads what the family knows and what all families share.
func ggufConfig(k *ggufKeys, fam *family, f *ggufFile) Config {
	cfg := fam.fromGGUF(k)
	cfg.Arch = fam.arch
	if embed, ok := f.tensors["token_embd.weight"]; ok && len(embed.Shape) == 2 {
		cfg.Vocab = embed.Shape[0]
	} else {
		k.fail("tensor \"token_embd.weight\" is missing or not a matrix")
	}
	k.require(fam.arch+".vocab_size", cfg.Vocab)
	_, untied := f.tensors["output.weight"]
	cfg.TieEmbeddings = !untied
	cfg.BOS = k.id("tokenizer.ggml.bos_token_id")
	for _, key := range []string{"eos", "eot", "eom"} {
		if id := k.id("tokenizer.ggml." + key + "_token_id"); id >= 0 {
			cfg.EOS = append(cfg.EOS, id)
		}
	}
	cfg.EOS = uniteIDs(cfg.EOS)
	k.refuseUnread(fam.arch)
	return cfg
}

// id reads a token id, -1 for none.
func (k *ggufKeys) id(key string) int32 {
	v := k.intOr(key, -1)
	if v < -1 || v >= 1<<31 {
		k.fail("%s = %d is not a token id", key, v)
		return -1
	}
	return int32(v)
}

// ropeFreqs is the GGUF tensor of rotary frequency divisors.
const ropeFreqs = "rope_freqs.weight"

// ropeFactors sets the divisors of the rotary frequencies from the file's tensor, if there is one.
func (f *ggufFile) ropeFactors(path string, cfg *Config) error {
	t, ok := f.tensors[ropeFreqs]
	if !ok {
		return cfg.applyScaling(path)
	}
	if cfg.RopeScaling != nil {
		return dataError(path, "tensor %q beside rope type %s is not supported", ropeFreqs,
			cfg.RopeScaling.Type)
	}
	if len(t.Shape) != 1 || t.Shape[0] != cfg.rotary()/2 {
		return dataError(path, "tensor %q has shape %s, expected [%d]",
			ropeFreqs, shapeText(t.Shape), cfg.rotary()/2)
	}
	factors := make([]float32, t.Shape[0])
	if err := t.Float32(factors); err != nil {
		return err
	}
	ones := true
	for i, v := range factors {
		if v <= 0 {
			return dataError(path, "tensor %q holds %v at column %d, expected positive numbers",
				ropeFreqs, v, i)
		}
		ones = ones && v == 1
	}
	if !ones {
		cfg.RopeFactors = factors
		cfg.RopeScaling = llama3Scaling(factors, cfg.RopeTheta)
	}
	return nil
}

// quote prints a name from a file so that it stays on one line.
func quote(s string) string { return strconv.Quote(s) }
