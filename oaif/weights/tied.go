package weights

import (
	"bytes"
	"slices"
)

// checkTied refuses a head beside the embedding that it is said to be: transformers does not tie
// the two where they differ, so leaving the head out would make another model of it.
func (m *Model) checkTied(fam *family, found map[string]Tensor) error {
	untied := m.cfg
	untied.TieEmbeddings = false
	var embedding, head string
	for _, s := range fam.tensors(untied) {
		switch s.buffer {
		case m.cfg.Layers:
			embedding = s.hf
		case m.cfg.Layers + 2:
			head = s.hf
		}
	}
	h, there := found[head]
	if !there {
		return nil
	}
	e, same := found[embedding], false
	err := h.file.guard(func() error {
		return e.file.guard(func() error {
			same = h.DType == e.DType && slices.Equal(h.Shape, e.Shape) &&
				bytes.Equal(h.bytes(), e.bytes())
			return nil
		})
	})
	if err == nil && !same {
		err = dataError(h.file.path,
			"tensor %q is not the embedding, as tie_word_embeddings says it is", head)
	}
	return err
}

// bytes returns the tensor's part of the mapped file.
func (t Tensor) bytes() []byte {
	f := formats[t.DType]
	return t.file.data[t.offset:][:t.Len()/f.block*f.size]
}
