package weights

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// digestFiles hashes one file as it is, and several as a list of names and hashes.
func digestFiles(path string, files []string) (string, error) {
	if len(files) == 1 && files[0] == path {
		return hashFile(path)
	}
	all := sha256.New()
	for _, f := range files {
		sum, err := hashFile(f)
		if err != nil {
			return "", err
		}
		if _, err := fmt.Fprintf(all, "%s  %s\n", sum, filepath.Base(f)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", dataError(path, "cannot be opened: %v", cause(err))
	}
	defer func() { _ = f.Close() }() // read-only: nothing can be lost
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", dataError(path, "cannot be read: %v", cause(err))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
