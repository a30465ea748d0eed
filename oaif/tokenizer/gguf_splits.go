package tokenizer

import (
	"encoding/json"
	"strings"
)

// ggufSplit is what a value of tokenizer.ggml.pre stands for, in the words of a tokenizer.json.
type ggufSplit struct {
	pre          json.RawMessage
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

// sequence is a Sequence of parts, which a normalizer, pre-tokenizer and decoder each keep under a
// key of their own.
func sequence(key string, parts ...string) json.RawMessage {
	return json.RawMessage(`{"type":"Sequence","` + key + `":[` + strings.Join(parts, ",") + `]}`)
}

// splitAt is a Split at each match of a pattern, then bytes. The pattern has no character but the
// backslash that JSON writes in another way.
func splitAt(regex string) json.RawMessage {
	quoted := `"` + strings.ReplaceAll(regex, `\`, `\\`) + `"`
	return sequence("pretokenizers",
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
	"gpt-4o":           {pre: splitAt(patternO200k)},
	"tekken":           {pre: splitAt(patternTekken), ignoreMerges: true, addBOS: true},
}

var (
	gpt2Split = ggufSplit{pre: json.RawMessage(byteLevelPart)}

	// smollmSplit takes digits one by one, then GPT-2's words.
	smollmSplit = ggufSplit{pre: sequence("pretokenizers", digitsPart, byteLevelPart)}

	llama3Split = ggufSplit{pre: splitAt(patternLlama3), ignoreMerges: true, addBOS: true}

	qwen2Split = ggufSplit{pre: splitAt(patternQwen2), normalizer: `{"type":"NFC"}`}
)
