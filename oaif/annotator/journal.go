package annotator

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sync"

	"github.com/oaif/oaif/oaif"
)

// Journal is the append-only file of all verdicts given, one JSON line {"key","verdict"} each. A
// verdict is on disk before anyone sees it, so that an interrupted run never asks the same question
// twice. One process may have a Journal open at a time (the run folder's lock sees to that); in it,
// it is safe for concurrent use.
type Journal struct {
	mu       sync.Mutex
	file     *os.File
	size     int64                      // bytes of whole lines in file
	verdicts map[string]oaif.Preference // by key
	asking   map[string]chan struct{}   // questions being asked now; closed when settled
	failed   error                      // set when file no longer ends in a whole line
}

// record is one line of a Journal.
type record struct {
	Key     string           `json:"key"`
	Verdict *oaif.Preference `json:"verdict"`
}

// OpenJournal opens the journal at path, or creates it. A last line without its line end was cut
// off by a crash: it is removed. Any other line that is not a verdict is a data error that names
// file and line.
func OpenJournal(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, oaif.DataError(fmt.Sprintf("verdict journal cannot be opened: %v", err))
	}
	j := &Journal{file: file, verdicts: map[string]oaif.Preference{},
		asking: map[string]chan struct{}{}}
	if err := j.load(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// Len returns the number of verdicts stored.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.verdicts)
}

// Close closes the file. Every verdict returned before is already on disk.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}

// load reads all whole lines and leaves the file positioned and cut after the last of them.
func (j *Journal) load(path string) error {
	reader := bufio.NewReader(j.file)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j.cut()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := j.parseLine(line); err != nil {
			return oaif.DataError(fmt.Sprintf("%s:%d: not a stored verdict: %v", path, number, err))
		}
		j.size += int64(len(line))
	}
}

func (j *Journal) parseLine(line []byte) error {
	var r record
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one JSON value")
	}
	if key, err := hex.DecodeString(r.Key); err != nil || len(key) != sha256.Size {
		return fmt.Errorf("key %q is not a sha256", r.Key)
	}
	if r.Verdict == nil || !known(r.Verdict.Verdict) {
		return errors.New("no verdict in it")
	}
	if old, ok := j.verdicts[r.Key]; ok && !reflect.DeepEqual(old, *r.Verdict) {
		return errors.New("an earlier line has another verdict for the same question")
	}
	j.verdicts[r.Key] = *r.Verdict
	return nil
}

func known(v oaif.Verdict) bool {
	switch v {
	case oaif.VerdictA, oaif.VerdictB, oaif.VerdictTie, oaif.VerdictInvalid:
		return true
	}
	return false
}

// cut removes what follows the last whole line and moves the file position there.
func (j *Journal) cut() error {
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	_, err := j.file.Seek(j.size, io.SeekStart)
	return err
}

// store writes verdicts in the order of keys, waits until they are on disk, and only then makes
// them known. On a write error, such as a full disk, none of them is stored. j.mu is held by the
// caller.
func (j *Journal) store(keys []string, verdicts []oaif.Preference) error {
	if j.failed != nil {
		return j.failed
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for i, key := range keys {
		if err := encoder.Encode(record{key, &verdicts[i]}); err != nil {
			return fmt.Errorf("verdict journal: %w", err)
		}
	}
	_, err := j.file.Write(lines.Bytes())
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.failed = j.cut()
		return fmt.Errorf("verdict journal: %w", err)
	}
	j.size += int64(lines.Len())
	for i, key := range keys {
		j.verdicts[key] = verdicts[i]
	}
	return nil
}

// syncFolder makes a new file's name durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
