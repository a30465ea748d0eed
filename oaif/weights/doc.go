// Package weights reads a language model's weights and settings from a GGUF file or a Hugging Face
// folder, and writes Hugging Face folders.
//
// In flows a path; out flow a Config, tensors by their Hugging Face names as row-major float32, the
// metadata a tokenizer needs, and the ids that end a completion. Files are mapped into memory,
// checked in full before a tensor is handed out (offsets, sizes, overlaps, names, shapes), and
// converted tensor by tensor. Model families are kept in a registry, one file each (llama.go). The
// package knows no tokenizer, no device and no training.
//
// Every fault of a file is an oaif.DataError of one line that names the file and the tensor or key.
package weights
