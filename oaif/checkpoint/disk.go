package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/oaif/oaif/oaif"
)

// file is what the package needs of a file that it writes.
type file interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// disk is every operation that changes the run folder; the tests make them fail one by one.
type disk interface {
	Create(path string) (file, error) // truncated when it exists
	Append(path string) (file, error) // created when it does not exist
	Mkdir(path string) error
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(path string) error // makes creations, renames and removals in path durable
}

type osDisk struct{}

func (osDisk) Create(path string) (file, error) { return os.Create(path) }

func (osDisk) Append(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
}

func (osDisk) Mkdir(path string) error      { return os.Mkdir(path, 0o777) }
func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) RemoveAll(path string) error  { return os.RemoveAll(path) }

func (osDisk) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// diskError turns an operating system error about path into one readable line.
func diskError(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return oaif.DataError(
			path + ": the disk is full; free some space, then continue with --resume")
	case errors.Is(err, syscall.EFBIG):
		return oaif.DataError(path + ": cannot be written: it would pass the limit on file sizes")
	}
	return oaif.DataError(fmt.Sprintf("%s: cannot be written: %v", path, cause(err)))
}

// cause strips the operation and path that package os puts in front of an error.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		return linkErr.Err
	}
	return err
}

// makeDir makes path and the parents that it lacks, each durable before anything is put in it.
func makeDir(d disk, path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return oaif.DataError(path + ": is a file where a folder is needed")
	case !errors.Is(err, fs.ErrNotExist):
		return diskError(path, err)
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeDir(d, parent); err != nil {
			return err
		}
	}
	if err := d.Mkdir(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return diskError(path, err)
	}
	return syncDir(d, parent)
}

func syncDir(d disk, path string) error {
	if err := d.SyncDir(path); err != nil {
		return diskError(path, err)
	}
	return nil
}

// WriteFile puts a small file in place atomically: path holds its old content or all of data,
// whatever happens meanwhile. Missing parent folders are made. It is safe for concurrent use on
// different paths.
func WriteFile(path string, data []byte) error { return writeFile(osDisk{}, path, data) }

func writeFile(d disk, path string, data []byte) error {
	if err := makeDir(d, filepath.Dir(path)); err != nil {
		return err
	}
	tmp := path + tmpSuffix
	err := fill(d, tmp, data)
	if err == nil {
		err = d.Rename(tmp, path)
	}
	if err != nil {
		// The error worth telling is the first one; a leftover is removed when the run is opened.
		_ = d.RemoveAll(tmp)
		return diskError(path, err)
	}
	return syncDir(d, filepath.Dir(path))
}

// fill writes a new file and makes its content durable.
func fill(d disk, path string, data []byte) error {
	f, err := d.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
