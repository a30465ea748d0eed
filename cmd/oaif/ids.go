package main

import (
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/weights"
)

// checkIDs returns the ids of a line's key when the vocabulary has all of them. They are pointers
// because package json would read a null as 0.
func checkIDs(line prompts.Line, key string, ids []*int64, cfg weights.Config) ([]int32, error) {
	out := make([]int32, len(ids))
	for i, id := range ids {
		switch {
		case id == nil:
			return nil, line.Errorf("%q wants a plain integer, got null", key)
		case *id < 0 || *id >= int64(cfg.Vocab):
			return nil, line.Errorf("%q: token id %d is outside the vocabulary of %d", key,
				*id, cfg.Vocab)
		}
		out[i] = int32(*id)
	}
	return out, nil
}

// promptIDs returns the ids of a line's prompt, which is either text or ids.
func (m *modelFile) promptIDs(line prompts.Line, text *string, ids *[]*int64) ([]int32, error) {
	if text == nil {
		return checkIDs(line, "prompt_ids", *ids, m.config)
	}
	out, err := m.vocab.EncodePrompt(*text)
	if err != nil {
		return nil, line.Errorf("%v", err)
	}
	return out, nil
}
