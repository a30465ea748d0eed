package trainer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/oaif/oaif/oaif"
)

// digests returns the SHA-256 of every input of the run by the path that the config names it by:
// the models, the prompts and the annotator's file.
func (t *Trainer) digests() (map[string]string, error) {
	out := map[string]string{}
	for _, m := range t.files.opened {
		sum, err := m.Digest()
		if err != nil {
			return nil, err
		}
		out[m.Path()] = sum
	}
	paths := []string{t.cfg.Data.Train, t.cfg.Data.Heldout}
	if spec := t.files.spec; spec.Remote == nil {
		paths = append(paths, spec.Path())
	} else { // its address, limits and prices may change: they decide no verdict
		id, err := spec.ID("")
		if err != nil {
			return nil, err
		}
		out[spec.Path()] = id
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, oaif.DataError(fmt.Sprintf("cannot be read again: %v", err))
		}
		out[path] = digest(text)
	}
	return out, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// checkInputs refuses to go on with inputs other than those that a run began with.
func checkInputs(was, is map[string]string) error {
	for _, path := range slices.Sorted(maps.Keys(is)) {
		if is[path] != was[path] {
			return oaif.DataError(path + ": has changed since the run began")
		}
	}
	return nil
}
