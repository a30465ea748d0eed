// Package vocab gives a model file's text side as one noun: its tokenizer, its chat template and
// the ids that end its answers.
//
// In flows an open model file; out flow token ids, text and rendered chats. A Vocab is the Encoder
// of package prompts. The package knows no device and no weights: it asks the file for names,
// metadata and templates only. Every error is an oaif.DataError of one line that names the model
// file, or an oaif.UsageError for a configured id that cannot be.
package vocab

import (
	"fmt"
	"slices"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/chat"
	"github.com/oaif/oaif/oaif/tokenizer"
	"github.com/oaif/oaif/oaif/weights"
)

// Vocab turns text into a model's token ids and back. It is safe for concurrent use.
type Vocab struct {
	*tokenizer.Tokenizer
	// Template renders chats; nil for a model without a chat template.
	Template *chat.Template
	// EOS are the ids that end an answer, ascending: those that the model declares and those
	// configured besides.
	EOS []int32

	path   string  // the model's, for messages
	begin  []int32 // what the model wants before a text
	broken error   // why Template is nil although the model has one
}

// Of returns the Vocab of an open model, which may be closed afterwards. eos are ids that end an
// answer besides those the model declares. A chat template that does not compile is an error of
// RenderChat only: plain text needs none.
func Of(m *weights.Model, eos []int32) (*Vocab, error) {
	t, err := tokenizerOf(m)
	if err != nil {
		return nil, err
	}
	v := &Vocab{Tokenizer: t, path: m.Path(), begin: beginOf(t)}
	for _, id := range eos {
		if id < 0 || int(id) >= m.Config().Vocab {
			return nil, oaif.UsageError(fmt.Sprintf(
				"end token id %d is outside the vocabulary of %d of %s",
				id, m.Config().Vocab, m.Path()))
		}
	}
	v.EOS = union(m.EOS(), eos)
	if source := m.ChatTemplate(); source != "" {
		v.Template, v.broken = chat.New(source,
			chat.Options{BOS: name(t, t.BOS), EOS: name(t, t.EOS)})
	}
	return v, nil
}

// tokenizerOf finds the tokenizer that comes with a model: a file of its folder, or GGUF metadata.
func tokenizerOf(m *weights.Model) (*tokenizer.Tokenizer, error) {
	if md := m.Metadata(); md != nil {
		t, err := tokenizer.FromGGUF(md)
		if err != nil {
			return nil, oaif.DataError(fmt.Sprintf("%s: %v", m.Path(), err))
		}
		return t, nil
	}
	path := m.TokenizerJSON()
	if path == "" {
		return nil, oaif.DataError(fmt.Sprintf("%s: has no tokenizer.json", m.Path()))
	}
	return tokenizer.FromJSON(path)
}

// union returns the ids of both lists, ascending and once each.
func union(a, b []int32) []int32 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// name returns the content of the token that id gives, "" when there is none.
func name(t *tokenizer.Tokenizer, id func() (int32, bool)) string {
	if i, ok := id(); ok {
		return t.Token(i)
	}
	return ""
}

// beginOf returns the ids that the tokenizer declares before a text. It looks at a text whose own
// ids are known; those after it, an end token say, must not stand between a prompt and its answer.
func beginOf(t *tokenizer.Tokenizer) []int32 {
	plain, around := t.Encode("a"), t.EncodeSpecial("a")
	for i := 0; i+len(plain) <= len(around); i++ {
		if slices.Equal(around[i:i+len(plain)], plain) {
			return slices.Clone(around[:i])
		}
	}
	return nil
}

// EncodePrompt returns the ids that the model is to continue, with the begin token that it wants;
// text that begins with that token already gets no second one. It implements prompts.Encoder.
func (v *Vocab) EncodePrompt(text string) ([]int32, error) {
	ids := v.Encode(text)
	if len(v.begin) == 0 || len(ids) >= len(v.begin) && slices.Equal(ids[:len(v.begin)], v.begin) {
		return ids, nil
	}
	return slices.Concat(v.begin, ids), nil
}

// RenderChat returns the messages as the model's chat template writes them, with the generation
// prompt. A model without a usable template and messages that it refuses are an oaif.DataError. It
// implements prompts.Encoder.
func (v *Vocab) RenderChat(messages []oaif.Message) (string, error) {
	return v.render(messages, true)
}

// RenderDialogue is RenderChat without the generation prompt: for messages that end with an answer.
func (v *Vocab) RenderDialogue(messages []oaif.Message) (string, error) {
	return v.render(messages, false)
}

func (v *Vocab) render(messages []oaif.Message, generate bool) (string, error) {
	if v.broken != nil {
		return "", oaif.DataError(fmt.Sprintf("%s: %v", v.path, v.broken))
	}
	if v.Template == nil {
		return "", oaif.DataError(fmt.Sprintf("%s: has no chat template", v.path))
	}
	return v.Template.Render(messages, generate)
}
