package checkpoint

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// keep is the number of checkpoints that stay: the newest, and one to fall back to.
const keep = 2

// Blob is one file of a checkpoint, streamed so that it never has to lie in memory.
type Blob struct {
	Name string // a plain file name, unique in its checkpoint
	Size int64  // bytes that Write writes; another number is an error
	// Write writes the content once, in pieces of any length.
	Write func(w io.Writer) error
}

// Save makes the logs durable and stores state (as JSON) and blobs as the checkpoint of step, the
// number of steps that are done. When it returns nil the checkpoint is durable and all but the
// last two are gone; when it fails the checkpoints before it are as they were. A step that this
// process has saved or loaded already is left as it is: a run has one state at each step.
func (r *Run) Save(step int, state any, blobs []Blob) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.saved[step] {
		return nil
	}
	if err := checkNames(step, blobs); err != nil {
		return err
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("checkpoint: state of step %d: %w", step, err)
	}
	if err := r.syncLogs(); err != nil {
		return err
	}
	m := manifest{Version: version, Step: step, State: raw, Logs: map[string]mark{}}
	for _, name := range rewound {
		m.Logs[name] = r.logs[name].mark()
	}
	final := r.stepDir(step)
	if err := r.write(final+tmpSuffix, &m, blobs); err != nil {
		// Gives the space back; the error worth telling is the first one.
		_ = r.disk.RemoveAll(final + tmpSuffix)
		return err
	}
	if err := r.publish(final); err != nil {
		return err
	}
	r.saved[step] = true
	return r.prune(step)
}

func checkNames(step int, blobs []Blob) error {
	if step < 0 {
		return fmt.Errorf("checkpoint: step %d is negative", step)
	}
	seen := map[string]bool{manifestName: true}
	for _, b := range blobs {
		if !plainName(b.Name) {
			return fmt.Errorf("checkpoint: %q is no plain file name", b.Name)
		}
		if seen[b.Name] {
			return fmt.Errorf("checkpoint: the blob name %q is taken", b.Name)
		}
		seen[b.Name] = true
	}
	return nil
}

// write fills the folder dir with the blobs and, last, the manifest that vouches for them.
func (r *Run) write(dir string, m *manifest, blobs []Blob) error {
	if err := r.disk.RemoveAll(dir); err != nil {
		return diskError(dir, err)
	}
	if err := makeDir(r.disk, dir); err != nil {
		return err
	}
	for _, b := range blobs {
		info, err := writeBlob(r.disk, filepath.Join(dir, b.Name), b)
		if err != nil {
			return err
		}
		m.Blobs = append(m.Blobs, info)
	}
	data, err := m.encode()
	if err != nil {
		return fmt.Errorf("checkpoint: manifest of step %d: %w", m.Step, err)
	}
	path := filepath.Join(dir, manifestName)
	if err := fill(r.disk, path, data); err != nil {
		return diskError(path, err)
	}
	return syncDir(r.disk, dir)
}

// publish gives a finished folder its name. What stands there was written by a process before this
// one and not found good (else Save had stopped early), so it makes room first.
func (r *Run) publish(final string) error {
	if err := r.remove(final); err != nil {
		return err
	}
	if err := r.disk.Rename(final+tmpSuffix, final); err != nil {
		return diskError(final, err)
	}
	return syncDir(r.disk, filepath.Dir(final))
}

// remove deletes a checkpoint folder under another name, so that a crash never leaves half of one.
func (r *Run) remove(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	gone := dir + ".gone" + tmpSuffix
	if err := r.disk.RemoveAll(gone); err != nil {
		return diskError(gone, err)
	}
	if err := r.disk.Rename(dir, gone); err != nil {
		return diskError(dir, err)
	}
	if err := syncDir(r.disk, filepath.Dir(dir)); err != nil {
		return err
	}
	if err := r.disk.RemoveAll(gone); err != nil {
		return diskError(gone, err)
	}
	return nil
}

// prune removes all checkpoints but the last ones up to step.
func (r *Run) prune(step int) error {
	steps, err := r.steps()
	if err != nil {
		return err
	}
	steps = slices.DeleteFunc(steps, func(s int) bool { return s > step })
	for _, s := range steps[min(keep, len(steps)):] {
		if err := r.remove(r.stepDir(s)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) stepDir(step int) string {
	return filepath.Join(r.dir, checkpointsDir, fmt.Sprintf("step-%d", step))
}

// steps lists the checkpoints there are, newest first.
func (r *Run) steps() ([]int, error) {
	dir := filepath.Join(r.dir, checkpointsDir)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, unreadable(dir, err)
	}
	var steps []int
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "step-")
		n, err := strconv.Atoi(digits)
		if ok && err == nil && n >= 0 && digits == strconv.Itoa(n) && e.IsDir() {
			steps = append(steps, n)
		}
	}
	slices.Sort(steps)
	slices.Reverse(steps)
	return steps, nil
}

// sink writes to a file and keeps the digest, the count and the first error of what it wrote.
type sink struct {
	f   file
	sum hash.Hash
	n   int64
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.f.Write(p)
	s.sum.Write(p[:n]) // a hash never fails
	s.n += int64(n)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

func writeBlob(d disk, path string, b Blob) (blobInfo, error) {
	f, err := d.Create(path)
	if err != nil {
		return blobInfo{}, diskError(path, err)
	}
	s := &sink{f: f, sum: sha256.New()}
	w := bufio.NewWriterSize(s, 1<<20)
	err = b.Write(w)
	if err == nil {
		err = w.Flush()
	}
	if s.err == nil && err == nil {
		s.err = f.Sync()
	}
	if closeErr := f.Close(); s.err == nil {
		s.err = closeErr
	}
	switch {
	case s.err != nil:
		return blobInfo{}, diskError(path, s.err)
	case err != nil:
		return blobInfo{}, fmt.Errorf("checkpoint: writing %s: %w", b.Name, err)
	case s.n != b.Size:
		return blobInfo{}, fmt.Errorf("checkpoint: %s has %d bytes, %d were announced",
			b.Name, s.n, b.Size)
	}
	return blobInfo{b.Name, s.n, hex.EncodeToString(s.sum.Sum(nil))}, nil
}
