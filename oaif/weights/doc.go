// Package weights reads a language model's weights and settings from a GGUF file or a Hugging Face
// folder, or a reward model's from such a folder, and writes folders of language models.
//
// In flows a path; out flow a Config, tensors by their Hugging Face names as row-major float32, the
// metadata a tokenizer needs, and the ids that end a completion. Files are mapped into memory,
// checked in full before a tensor is handed out (offsets, sizes, overlaps, names, shapes), and
// converted tensor by tensor. Model families are kept in a registry, one file each (qwen3.go). The
// package knows no tokenizer, no device and no training.
//
// What a Config cannot say is refused, and so is a key of config.json, or of a GGUF file's
// architecture, that is neither read nor known to be harmless (hf_known.go): it may change what the
// model computes.
//
// Every fault of a file is an oaif.DataError of one line that names the file and the tensor or key.
package weights
