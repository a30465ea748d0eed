package tokenizer

import (
	"cmp"
	"encoding/json"
	"slices"
)

const (
	prependPart = `{"type":"Prepend","prepend":"▁"}`
	spacesPart  = `{"type":"Replace","pattern":{"String":" "},"content":"▁"}`

	spacesBackPart = `{"type":"Replace","pattern":{"String":"▁"},"content":" "}`
	bytesBackPart  = `{"type":"ByteFallback"}`
	fusePart       = `{"type":"Fuse"}`
	stripPart      = `{"type":"Strip","content":" ","start":1,"stop":0}`
)

// maxPiece bounds the length of a piece in bytes: each place in it is a merge to look for.
const maxPiece = 1024

// sentencePiece fills in what a SentencePiece BPE has, in the form that Llama 2 (with a space
// before the text) and Gemma (without) have as a tokenizer.json.
func (f *file) sentencePiece(md Metadata, tokens []string) error {
	prefix, declared := md.Bool("tokenizer.ggml.add_space_prefix")
	if prefix = prefix || !declared; prefix {
		f.Normalizer = sequence("normalizers", prependPart, spacesPart)
		f.Decoder = sequence("decoders", spacesBackPart, bytesBackPart, fusePart, stripPart)
	} else {
		f.Normalizer = json.RawMessage(spacesPart)
		f.Decoder = sequence("decoders", spacesBackPart, bytesBackPart, fusePart)
		for i, a := range f.Added { // such as runs of spaces, which some files write as ▁
			f.Added[i].Normalized = !a.Special
		}
	}
	f.Model.Type, f.Model.ByteFallback, f.Model.FuseUnk = "BPE", true, true
	types, _ := md.Ints("tokenizer.ggml.token_type") // as long as tokens: ggufAdded has seen it
	if unk := slices.Index(types, ggufUnknown); unk >= 0 {
		f.Model.UnkToken = &tokens[unk]
	}
	scores, ok := md.Floats("tokenizer.ggml.scores")
	if !ok || len(scores) != len(tokens) {
		return dataErrorf("GGUF key tokenizer.ggml.scores has %d entries for %d tokens",
			len(scores), len(tokens))
	}
	var err error
	if f.Model.Merges, err = f.scoreMerges(tokens, scores, types); err != nil {
		return err
	}
	f.PostProcessor, err = ggufTemplate(md, tokens, true)
	return err
}

// scoreMerges writes scores as merges. SentencePiece joins the two neighbours whose joined piece
// has the highest score: so every way to make a piece of two is a merge, the best piece's first.
func (f *file) scoreMerges(tokens []string, scores []float64, types []int64) ([]merge, error) {
	var pieces []int
	for id, kind := range types {
		switch {
		case kind != ggufNormal:
		case len(tokens[id]) > maxPiece:
			return nil, dataErrorf("GGUF key tokenizer.ggml.tokens: %d has %d bytes, at most %d "+
				"are supported", id, len(tokens[id]), maxPiece)
		default:
			pieces = append(pieces, id)
		}
	}
	slices.SortStableFunc(pieces, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	normal := func(piece string) bool {
		id, ok := f.Model.Vocab[piece]
		return ok && types[id] == ggufNormal
	}
	merges := []merge{}
	for _, id := range pieces {
		for at := range tokens[id] {
			if left, right := tokens[id][:at], tokens[id][at:]; normal(left) && normal(right) {
				merges = append(merges, merge{left, right})
			}
		}
	}
	return merges, nil
}
