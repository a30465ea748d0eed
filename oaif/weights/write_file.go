package weights

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// createFile writes a new file and syncs it.
func createFile(path string, write func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replaceFolder renames staged to dir. An old dir steps aside first, since a rename replaces empty
// folders only; a crash between the two renames leaves both folders whole, as dir.old and dir.tmp.
func replaceFolder(dir, staged string) error {
	aside := dir + ".old"
	err := os.Rename(staged, dir)
	if err != nil {
		if !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := errors.Join(os.RemoveAll(aside), os.Rename(dir, aside)); err != nil {
			return err
		}
		if err := os.Rename(staged, dir); err != nil {
			return errors.Join(err, os.Rename(aside, dir))
		}
	}
	return errors.Join(syncFolder(filepath.Dir(dir)), os.RemoveAll(aside))
}

// decimal writes a number with a point, as transformers expects of settings that are floats.
func decimal(v float64) json.RawMessage {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return json.RawMessage(text)
}
