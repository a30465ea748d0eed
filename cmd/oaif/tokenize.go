package main

import (
	"github.com/urfave/cli/v2"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/prompts"
	"github.com/oaif/oaif/oaif/vocab"
)

func tokenizeCommand() *cli.Command {
	return &cli.Command{
		Name:      "tokenize",
		Usage:     "turn texts or chats into token ids",
		UsageText: "oaif tokenize --model M [--in FILE] [--out FILE]",
		Description: `Reads {"text"} or {"messages"}, writes {"ids","decoded"} or {"text","ids"}.

"messages" is a list of {"role","content"}; it is written by the model's chat
template, with the generation prompt. No begin or end token is added unless a
line has "add_special_tokens": true. "decoded" keeps special tokens.

Example:
  echo '{"text": "Hello world"}' | oaif tokenize --model model.gguf
  {"ids":[19556,905],"decoded":"Hello world"}`,
		Flags:  flags(modelFlag(), ioFlags(), computeFlags()),
		Action: tokenize,
	}
}

// tokenizeRequest is one input line of tokenize.
type tokenizeRequest struct {
	line     prompts.Line
	Text     *string        `json:"text"`
	Messages []oaif.Message `json:"messages"`
	Special  bool           `json:"add_special_tokens"`
}

func parseTokenize(line prompts.Line) (r tokenizeRequest, err error) {
	if err := line.Decode(&r); err != nil {
		return r, err
	}
	r.line = line
	if (r.Text == nil) == (r.Messages == nil) {
		return r, line.Errorf(`wants either "text" or "messages"`)
	}
	return r, checkMessages(line, r.Messages)
}

// checkMessages refuses an empty list and messages without a role.
func checkMessages(line prompts.Line, messages []oaif.Message) error {
	if messages != nil && len(messages) == 0 {
		return line.Errorf(`"messages" is empty`)
	}
	for i, m := range messages {
		if m.Role == "" {
			return line.Errorf(`message %d wants "role" and "content"`, i+1)
		}
	}
	return nil
}

func tokenize(c *cli.Context) error {
	if _, err := positionals(c, 0, 0, ""); err != nil {
		return err
	}
	if err := checkCompute(c); err != nil {
		return err
	}
	return withModelFile(c, "model", func(m *modelFile) error {
		return withOutput(c, func(out *lineWriter) error {
			requests, err := decodeLines(c, parseTokenize)
			if err != nil {
				return err
			}
			for _, r := range requests {
				if err := r.answer(m.vocab, out); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// answer writes the output line of one request.
func (r tokenizeRequest) answer(v *vocab.Vocab, out *lineWriter) error {
	encode := v.Encode
	if r.Special {
		encode = v.EncodeSpecial
	}
	if r.Messages != nil {
		text, err := v.RenderChat(r.Messages)
		if err != nil {
			return r.line.Errorf("%v", err)
		}
		return out.write(struct {
			Text string  `json:"text"`
			IDs  []int32 `json:"ids"`
		}{text, encode(text)})
	}
	ids := encode(*r.Text)
	decoded, err := v.Decode(ids, true)
	if err != nil {
		return r.line.Errorf("%v", err)
	}
	return out.write(struct {
		IDs     []int32 `json:"ids"`
		Decoded string  `json:"decoded"`
	}{ids, decoded})
}
