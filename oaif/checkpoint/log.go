package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/oaif/oaif/oaif"
)

// mark is a position in a log: its length in bytes and the SHA-256 of all bytes before it.
type mark struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// log is one append-only file of lines. The file is created by the first line.
type log struct {
	disk  disk
	path  string
	f     file // nil until the first line
	size  int64
	sum   hash.Hash // of the first size bytes
	dirty bool      // holds lines that are not durable yet
	err   error     // the first failure; the log is not written after it
}

func newLog(d disk, path string) *log { return &log{disk: d, path: path, sum: sha256.New()} }

// load takes over what is in the file, cutting off a torn last line.
func (l *log) load() error {
	if _, err := os.Lstat(l.path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := checkRegular(l.path); err != nil { // a link would have another file cut
		return err
	}
	size, err := wholeLines(l.path)
	if err != nil {
		return unreadable(l.path, err)
	}
	return l.cut(size)
}

// wholeLines returns the length of path up to and with its last line end.
func wholeLines(path string) (size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	block := make([]byte, 64<<10)
	for end > 0 {
		start := max(0, end-int64(len(block)))
		part := block[:end-start]
		if _, err := f.ReadAt(part, start); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// hashPrefix returns the running SHA-256 of the first size bytes of path.
func hashPrefix(path string, size int64) (sum hash.Hash, err error) {
	sum = sha256.New()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && size == 0 {
		return sum, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.CopyN(sum, f, size)
	return sum, err
}

func unreadable(path string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return oaif.DataError(path + ": is shorter than it was")
	}
	return oaif.DataError(fmt.Sprintf("%s: cannot be read: %v", path, cause(err)))
}

// cut shortens the log to its first size bytes, which must be there.
func (l *log) cut(size int64) error {
	sum, err := hashPrefix(l.path, size)
	if err != nil {
		return unreadable(l.path, err)
	}
	if err := l.open(); err != nil {
		return err
	}
	if err := l.f.Truncate(size); err != nil {
		return l.fail(err)
	}
	l.size, l.sum, l.dirty = size, sum, true
	return l.sync()
}

func (l *log) open() error {
	if l.err != nil || l.f != nil {
		return l.err
	}
	f, err := l.disk.Append(l.path)
	if err != nil {
		return l.fail(err)
	}
	l.f = f
	return syncDir(l.disk, filepath.Dir(l.path))
}

func (l *log) append(line []byte) error {
	if bytes.IndexByte(line, '\n') >= 0 {
		return fmt.Errorf("checkpoint: a line for %s holds a line end", filepath.Base(l.path))
	}
	if err := l.open(); err != nil {
		return err
	}
	row := append(bytes.Clone(line), '\n')
	l.dirty = true
	// One write call a line: a process that is killed leaves whole lines.
	if _, err := l.f.Write(row); err != nil {
		// Should cutting fail too, the torn line is cut off when the run is opened again.
		_ = l.f.Truncate(l.size)
		return l.fail(err)
	}
	l.size += int64(len(row))
	l.sum.Write(row) // a hash never fails
	return nil
}

func (l *log) sync() error {
	if l.err != nil || !l.dirty {
		return l.err
	}
	if err := l.f.Sync(); err != nil {
		return l.fail(err)
	}
	l.dirty = false
	return nil
}

func (l *log) fail(err error) error {
	l.err = diskError(l.path, err)
	return l.err
}

func (l *log) mark() mark { return mark{l.size, hex.EncodeToString(l.sum.Sum(nil))} }

func (l *log) close() error {
	if l.f == nil {
		return nil
	}
	if err := l.f.Close(); err != nil {
		return diskError(l.path, err)
	}
	return nil
}
