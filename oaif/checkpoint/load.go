package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/oaif/oaif/oaif"
)

// Checkpoint is a saved step all of whose bytes were verified when Latest returned it.
type Checkpoint struct {
	// Step is the number of steps that were done when it was saved.
	Step int
	// Warning is one line for the user when a newer checkpoint was damaged and this one stands in
	// for it, else "".
	Warning string

	dir string
	m   *manifest
}

// Latest returns the newest checkpoint of which every byte, and every byte of the logs up to its
// offsets, has the digest that was recorded. A damaged one is passed over with a Warning. It
// returns nil, nil when the run has no checkpoint, and ErrData when it has only damaged ones.
// Each blob is read once.
func (r *Run) Latest() (*Checkpoint, error) {
	steps, err := r.steps()
	if err != nil {
		return nil, err
	}
	var damage []string
	for _, step := range steps {
		cp, err := r.verify(step)
		if err != nil {
			damage = append(damage, err.Error())
			continue
		}
		if len(damage) > 0 {
			cp.Warning = fmt.Sprintf("damaged checkpoint passed over (%s); going on from step %d",
				strings.Join(damage, "; "), step)
		}
		r.mu.Lock()
		r.saved[step] = true
		r.mu.Unlock()
		return cp, nil
	}
	if len(damage) > 0 {
		return nil, oaif.DataError(fmt.Sprintf("%s: no checkpoint can be used (%s); "+
			"start again in another folder with --out", r.dir, strings.Join(damage, "; ")))
	}
	return nil, nil
}

// verify reads everything that the checkpoint of step vouches for.
func (r *Run) verify(step int) (*Checkpoint, error) {
	dir := r.stepDir(step)
	path := filepath.Join(dir, manifestName)
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	m, err := decodeManifest(data, step)
	if err != nil {
		return nil, oaif.DataError(path + ": " + err.Error())
	}
	for _, name := range rewound {
		if err := verifyLog(r.Path(name), m.Logs[name]); err != nil {
			return nil, err
		}
	}
	for _, b := range m.Blobs {
		if err := verifyBlob(filepath.Join(dir, b.Name), b); err != nil {
			return nil, err
		}
	}
	return &Checkpoint{Step: step, dir: dir, m: m}, nil
}

// checkRegular refuses what Save does not write: links, which may lead anywhere, and pipes and
// devices, whose reading never ends.
func checkRegular(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return oaif.DataError(path + ": is not a regular file")
	}
	return nil
}

func verifyLog(path string, want mark) error {
	sum, err := hashPrefix(path, want.Bytes)
	if err != nil {
		return unreadable(path, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return oaif.DataError(path + ": lines were changed after the checkpoint")
	}
	return nil
}

func verifyBlob(path string, want blobInfo) (err error) {
	if err := checkRegular(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return unreadable(path, err)
	}
	if n != want.Size {
		return oaif.DataError(fmt.Sprintf("%s: has %d bytes, not %d", path, n, want.Size))
	}
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return oaif.DataError(path + ": does not have its recorded digest")
	}
	return nil
}

// State decodes the state that was given to Save into v, a pointer.
func (c *Checkpoint) State(v any) error {
	if err := json.Unmarshal(c.m.State, v); err != nil {
		path := filepath.Join(c.dir, manifestName)
		return oaif.DataError(fmt.Sprintf("%s: state: %v", path, err))
	}
	return nil
}

// Open opens the blob name for reading; the caller closes it.
func (c *Checkpoint) Open(name string) (*os.File, error) {
	path := filepath.Join(c.dir, name)
	for _, b := range c.m.Blobs {
		if b.Name != name {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, unreadable(path, err)
		}
		return f, nil
	}
	return nil, oaif.DataError(path + ": is not part of the checkpoint")
}

// Rewind takes the folder back to the moment at which cp was saved: lines of metrics.jsonl and
// pairs.jsonl after its offsets are cut off, and checkpoints after it are removed. With nil it
// takes the run back to its start. system.jsonl is kept, because that work was really done.
func (r *Run) Rewind(cp *Checkpoint) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := -1
	if cp != nil {
		last = cp.Step
	}
	steps, err := r.steps()
	if err != nil {
		return err
	}
	// Checkpoints first: a crash in between must not leave one whose lines are gone.
	for _, s := range steps {
		if s <= last {
			break
		}
		if err := r.remove(r.stepDir(s)); err != nil {
			return err
		}
		delete(r.saved, s)
	}
	if err := r.prune(last); err != nil { // which a crash right after saving cp left out
		return err
	}
	for _, name := range rewound {
		var to int64
		if cp != nil {
			to = cp.m.Logs[name].Bytes
		}
		if l := r.logs[name]; to != l.size {
			if err := l.cut(to); err != nil {
				return err
			}
		}
	}
	return nil
}
