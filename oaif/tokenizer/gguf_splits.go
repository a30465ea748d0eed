package tokenizer

import "strings"

// ggufSplit is what a value of tokenizer.ggml.pre stands for, in the words of a tokenizer.json.
type ggufSplit struct {
	pre          string
	normalizer   string
	ignoreMerges bool
	addBOS       bool // when the file does not say
}

const (
	byteLevelPart = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,` +
		`"use_regex":true}`

	// bytesPart spells words in bytes and leaves the splitting to the step before it.
	bytesPart = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,` +
		`"use_regex":false}`

	digitsPart = `{"type":"Digits","individual_digits":true}`
)

func sequence(first, second string) string {
	return `{"type":"Sequence","pretokenizers":[` + first + `,` + second + `]}`
}

// splitAt is a Split at each match of a pattern, then bytes. The pattern has no character but the
// backslash that JSON writes in another way.
func splitAt(regex string) string {
	quoted := `"` + strings.ReplaceAll(regex, `\`, `\\`) + `"`
	return sequence(
		`{"type":"Split","pattern":{"Regex":`+quoted+`},"behavior":"Isolated","invert":false}`,
		bytesPart)
}

// ggufSplits are the known values of tokenizer.ggml.pre.
var ggufSplits = map[string]ggufSplit{
	"gpt-2":            gpt2Split,
	"phi-2":            gpt2Split,
	"smollm":           smollmSplit,
	"starcoder":        smollmSplit,
	"refact":           smollmSplit,
	"llama-bpe":        llama3Split,
	"llama3":           llama3Split,
	"llama-v3":         llama3Split,
	"qwen2":            qwen2Split,
	"deepseek-r1-qwen": qwen2Split,
}

var (
	gpt2Split = ggufSplit{pre: byteLevelPart}

	// smollmSplit takes digits one by one, then GPT-2's words.
	smollmSplit = ggufSplit{pre: sequence(digitsPart, byteLevelPart)}

	llama3Split = ggufSplit{pre: splitAt(patternLlama3), ignoreMerges: true, addBOS: true}

	qwen2Split = ggufSplit{pre: splitAt(patternQwen2), normalizer: `{"type":"NFC"}`}
)
