package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// lineWriter writes JSON Lines to a file that appears whole or not at all. What is no regular file
// (standard output, a pipe, a device) gets its lines at the end, in one go, for the same reason.
type lineWriter struct {
	name string // for messages
	path string // where a finished file goes; "" when stream is used
	file *os.File

	stream io.Writer
	closer io.Closer
	lines  bytes.Buffer // up to flushAt for a file, everything for a stream
}

const flushAt = 1 << 16 // bytes

// createOutput opens the place named by path, "-" for standard output.
func createOutput(path string, standard io.Writer) (*lineWriter, error) {
	if path == "-" {
		return &lineWriter{name: stdout, stream: standard}, nil
	}
	target, mode := path, fs.FileMode(0o666)
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil, dataErrorf("%s: is a folder, wants a file", path)
	case err == nil && !info.Mode().IsRegular():
		return openStream(path)
	case err == nil:
		mode = info.Mode().Perm()
		// Replace what a symbolic link points to, not the link.
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return nil, writeError(path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, writeError(path, err)
	}
	temporary := fmt.Sprintf("%s.%d.tmp", target, os.Getpid())
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return nil, writeError(path, err)
	}
	return &lineWriter{name: path, path: target, file: file}, nil
}

func openStream(path string) (*lineWriter, error) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, writeError(path, err)
	}
	return &lineWriter{name: path, stream: file, closer: file}, nil
}

// write adds one record.
func (w *lineWriter) write(record any) error {
	encoder := json.NewEncoder(&w.lines)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(record); err != nil {
		return writeError(w.name, err)
	}
	if w.file != nil && w.lines.Len() >= flushAt {
		return w.flush(w.file)
	}
	return nil
}

func (w *lineWriter) flush(to io.Writer) error {
	if _, err := w.lines.WriteTo(to); err != nil {
		return writeError(w.name, err)
	}
	return nil
}

// commit puts the finished file in its place, or writes everything to the stream.
func (w *lineWriter) commit() error {
	if w.stream != nil {
		err := w.flush(w.stream)
		return errors.Join(err, w.closeStream())
	}
	if err := w.flush(w.file); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return writeError(w.name, err)
	}
	if err := w.file.Close(); err != nil {
		return writeError(w.name, err)
	}
	if err := os.Rename(w.file.Name(), w.path); err != nil {
		return writeError(w.name, err)
	}
	return nil
}

func (w *lineWriter) closeStream() error {
	if w.closer == nil {
		return nil
	}
	if err := w.closer.Close(); err != nil {
		return writeError(w.name, err)
	}
	return nil
}

// discard removes what was written so far. Its own failures would only hide the error that led
// here.
func (w *lineWriter) discard() {
	if w.file != nil {
		_ = w.file.Close()
		_ = os.Remove(w.file.Name())
	}
	if w.closer != nil {
		_ = w.closer.Close()
	}
}
