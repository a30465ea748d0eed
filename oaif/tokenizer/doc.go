// Package tokenizer turns text into token ids and back, exactly as the model was trained to see it.
//
// In: a tokenizer.json of the BPE family, or the tokenizer metadata of a GGUF file. Out: ids of
// type int32. Both sources become the same structure, the fields of a tokenizer.json, so a GGUF's
// tokenizer can be written as one. Text runs through the stages in this order: split at added
// tokens, normalize, pre-tokenize into words, merge each word's symbols (BPE).
//
// The package knows no model, no chat format and no file format other than tokenizer.json; the GGUF
// reader hands it metadata through an interface. Truncation and padding settings of a
// tokenizer.json are ignored: the length of a text is the caller's decision.
//
// The yardstick is the Hugging Face tokenizers library, down to the versions of Unicode that its
// parts follow; for a SentencePiece model in a GGUF file it is the sentencepiece library.
//
// Errors: a source that cannot be followed to the letter (a component, an option or a split that
// this package does not know, a pattern that regular expression engines read differently) is
// refused at load with an oaif.DataError naming it. Encoding cannot fail; decoding refuses ids that
// the vocabulary does not have.
package tokenizer
