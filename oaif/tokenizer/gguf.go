package tokenizer

import "encoding/json"

// Metadata gives the values of a GGUF file's keys. Each method returns false when the key is not
// there or has another type.
type Metadata interface {
	String(key string) (string, bool)
	Strings(key string) ([]string, bool)
	Ints(key string) ([]int64, bool)
	Floats(key string) ([]float64, bool)
	Int(key string) (int64, bool)
	Bool(key string) (bool, bool)
}

// Token types of tokenizer.ggml.token_type. Control and user-defined tokens are looked for in a
// text before it is split into words.
const (
	ggufNormal      = 1
	ggufUnknown     = 2
	ggufControl     = 3
	ggufUserDefined = 4
)

// FromGGUF makes the tokenizer that a GGUF file's metadata describes: a byte-level BPE ("gpt2")
// whose split (tokenizer.ggml.pre) this package knows, or a SentencePiece BPE ("llama", which is
// Gemma's kind too). Anything else is an oaif.DataError naming the key and its value.
func FromGGUF(md Metadata) (*Tokenizer, error) {
	f, err := ggufFile(md)
	if err != nil {
		return nil, err
	}
	t, err := build(f)
	if err != nil {
		return nil, dataErrorf("GGUF tokenizer: %v", err)
	}
	t.bos, t.eos = ggufID(md, "bos"), ggufID(md, "eos")
	for _, id := range []int32{t.bos, t.eos} {
		if id != none && !t.has(id) {
			return nil, dataErrorf(
				"GGUF tokenizer: begin or end token %d is not in the vocabulary", id)
		}
	}
	return t, nil
}

// ggufFile writes the metadata as a tokenizer.json.
func ggufFile(md Metadata) (*file, error) {
	tokens, ok := md.Strings("tokenizer.ggml.tokens")
	if !ok {
		return nil, dataErrorf("GGUF key tokenizer.ggml.tokens is missing")
	}
	f := &file{Version: "1.0"}
	var err error
	if f.Model.Vocab, err = ggufVocab(tokens); err != nil {
		return nil, err
	}
	if f.Added, err = ggufAdded(md, tokens); err != nil {
		return nil, err
	}
	switch kind, _ := md.String("tokenizer.ggml.model"); kind {
	case "gpt2":
		err = f.byteLevel(md, tokens)
	case "llama":
		err = f.sentencePiece(md, tokens)
	default:
		err = dataErrorf("GGUF key tokenizer.ggml.model: %q is not supported, "+
			"only \"gpt2\" and \"llama\"", kind)
	}
	return f, err
}

// byteLevel fills in what a byte-level BPE has.
func (f *file) byteLevel(md Metadata, tokens []string) error {
	pre, _ := md.String("tokenizer.ggml.pre")
	s, ok := ggufSplits[pre]
	if !ok {
		return dataErrorf("GGUF key tokenizer.ggml.pre: unknown split %q", pre)
	}
	f.PreTokenizer = s.pre
	f.Decoder = json.RawMessage(byteLevelPart)
	f.Model.Type, f.Model.IgnoreMerges = "BPE", s.ignoreMerges
	if s.normalizer != "" {
		f.Normalizer = json.RawMessage(s.normalizer)
	}
	var err error
	if f.Model.Merges, err = ggufMerges(md); err != nil {
		return err
	}
	f.PostProcessor, err = ggufTemplate(md, tokens, s.addBOS)
	return err
}

func ggufVocab(tokens []string) (map[string]int32, error) {
	vocab := make(map[string]int32, len(tokens))
	for id, content := range tokens {
		if first, twice := vocab[content]; twice {
			return nil, dataErrorf("GGUF key tokenizer.ggml.tokens: %d and %d are both %q", first,
				id, content)
		}
		vocab[content] = int32(id)
	}
	return vocab, nil
}

func ggufMerges(md Metadata) ([]merge, error) {
	lines, ok := md.Strings("tokenizer.ggml.merges")
	if !ok {
		return nil, dataErrorf("GGUF key tokenizer.ggml.merges is missing")
	}
	merges := make([]merge, len(lines))
	for i, s := range lines {
		if merges[i], ok = parseMerge(s); !ok {
			return nil, dataErrorf(
				"GGUF key tokenizer.ggml.merges: %q at %d is not two symbols", s, i)
		}
	}
	return merges, nil
}

func ggufAdded(md Metadata, tokens []string) ([]addedToken, error) {
	types, ok := md.Ints("tokenizer.ggml.token_type")
	if !ok || len(types) != len(tokens) {
		return nil, dataErrorf("GGUF key tokenizer.ggml.token_type has %d entries for %d tokens",
			len(types), len(tokens))
	}
	added := []addedToken{}
	for id, kind := range types {
		if kind == ggufControl || kind == ggufUserDefined {
			added = append(added,
				addedToken{ID: int32(id), Content: tokens[id], Special: kind == ggufControl})
		}
	}
	return added, nil
}

// ggufID returns the id of the "bos" or "eos" token, or none.
func ggufID(md Metadata, name string) int32 {
	id, ok := md.Int("tokenizer.ggml." + name + "_token_id")
	if !ok || id < 0 || id >= maxVocab {
		return none
	}
	return int32(id)
}

// ggufTemplate writes the begin and end tokens to be added as a TemplateProcessing, or null for
// neither. addBOS is what holds when the file does not say.
func ggufTemplate(md Metadata, tokens []string, addBOS bool) (json.RawMessage, error) {
	ids := map[string]int32{}
	for name, def := range map[string]bool{"bos": addBOS, "eos": false} {
		add, declared := md.Bool("tokenizer.ggml.add_" + name + "_token")
		if !declared {
			add = def
		}
		id := ggufID(md, name)
		if add && (id == none || int(id) >= len(tokens)) {
			return nil, dataErrorf(
				"GGUF key tokenizer.ggml.%s_token_id: missing or out of range", name)
		}
		if add {
			ids[name] = id
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return templateJSON(ids, tokens)
}

func templateJSON(ids map[string]int32, tokens []string) (json.RawMessage, error) {
	special := map[string]any{}
	around := func(name string, kind int) []any {
		id, ok := ids[name]
		if !ok {
			return nil
		}
		t := tokens[id]
		special[t] = map[string]any{"id": t, "ids": []int32{id}, "tokens": []string{t}}
		return []any{map[string]any{"SpecialToken": map[string]any{"id": t, "type_id": kind}}}
	}
	part := func(sequence string, kind int) []any {
		parts := around("bos", kind)
		parts = append(parts,
			map[string]any{"Sequence": map[string]any{"id": sequence, "type_id": kind}})
		return append(parts, around("eos", kind)...)
	}
	return marshal(map[string]any{
		"type": "TemplateProcessing", "single": part("A", 0),
		"pair": append(part("A", 0), part("B", 1)...), "special_tokens": special,
	})
}
