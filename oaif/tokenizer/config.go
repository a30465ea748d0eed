package tokenizer

// config is what a tokenizer_config.json of ours says. The class is the one that takes a
// tokenizer.json as it is; those named after a model change parts of it.
type config struct {
	Class        string `json:"tokenizer_class"`
	BOS          string `json:"bos_token,omitempty"`
	EOS          string `json:"eos_token,omitempty"`
	CleanUp      bool   `json:"clean_up_tokenization_spaces"`
	ChatTemplate string `json:"chat_template,omitempty"`
}

// WriteConfig writes the tokenizer_config.json that belongs beside a tokenizer.json: the begin and
// end tokens by name and the model's chat template, "" for none. transformers takes all three from
// there, and so does FromJSON the tokens. The file is replaced in one step.
func (t *Tokenizer) WriteConfig(path, chatTemplate string) error {
	b, err := marshal(config{
		Class:        "PreTrainedTokenizerFast",
		BOS:          t.Token(t.bos),
		EOS:          t.Token(t.eos),
		ChatTemplate: chatTemplate,
	})
	if err != nil {
		return dataErrorf("cannot write the tokenizer: %v", err)
	}
	return writeFile(path, append(b, '\n'))
}
