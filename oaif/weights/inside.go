package weights

import (
	"os"
	"path/filepath"
	"strings"
)

// checkInside refuses a file of the folder dir that is no plain file, or a link that leads out of
// it: a folder out of a stranger's archive must not make anyone read what lies beside it. The
// folders of the Hugging Face cache are full of links, all of them into blobs, two folders above.
func checkInside(dir, path string) error {
	home, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return dataError(dir, "cannot be opened: %v", cause(err))
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return dataError(path, "cannot be opened: %v", cause(err))
	}
	blobs := filepath.Join(home, "..", "..", "blobs")
	for _, folder := range []string{home, blobs} {
		if strings.HasPrefix(target, folder+string(filepath.Separator)) {
			return checkRegular(path)
		}
	}
	return dataError(path, "is a link that leads out of the folder, to %s", target)
}

// checkSettings is checkInside of the files beside the weights, those that are there.
func checkSettings(dir string) error {
	for _, name := range append([]string{indexFile}, settingsFiles...) {
		if path := filepath.Join(dir, name); exists(path) {
			if err := checkInside(dir, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkRegular refuses what never ends or never begins when it is read: devices and pipes.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return dataError(path, "cannot be opened: %v", cause(err))
	}
	if !info.Mode().IsRegular() {
		return dataError(path, "is not a regular file")
	}
	return nil
}
