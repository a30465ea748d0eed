package tokenizer

import (
	"os"
	"path/filepath"
)

// WriteJSON writes the tokenizer as a tokenizer.json that other libraries read and that encodes and
// decodes the same. A tokenizer that came from a tokenizer.json is written byte for byte as it was
// read. The file is replaced in one step, so a reader never sees half of it.
func (t *Tokenizer) WriteJSON(path string) error {
	b := t.bytes
	if b == nil {
		var err error
		if b, err = marshal(t.file); err != nil {
			return dataErrorf("cannot write the tokenizer: %v", err)
		}
	}
	return writeFile(path, b)
}

// writeFile writes path in one step, or not at all.
func writeFile(path string, b []byte) error {
	if err := replace(path, b); err != nil {
		return dataErrorf("cannot write the tokenizer: %v", err)
	}
	return nil
}

// replace writes beside path, syncs and renames.
func replace(path string, b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to report
		}
	}()
	if err = writeSync(f, b); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeSync fills f, which everyone may read, and closes it in every case.
func writeSync(f *os.File, b []byte) error {
	_, err := f.Write(b)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
