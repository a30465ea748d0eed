package checkpoint_test

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/oaif/oaif/oaif/checkpoint"
)

var errDead = errors.New("the process is dead")

// faultDisk counts operations and dies at one of them: that one is done by half, all later ones
// not at all. With powerLoss, what was not synced by then is lost too. Syncs are only recorded.
type faultDisk struct {
	dieAt     int // the operation to die at, counted from 1; 0 = never
	powerLoss bool

	ops     int
	dead    bool
	written map[string]*int64 // bytes of each file that are durable
	undo    []undo            // renames that are not durable yet
}

type undo struct {
	from, to string
	old      []byte // content of the file that was replaced
	replaced bool
}

func newFaultDisk(dieAt int, powerLoss bool) *faultDisk {
	return &faultDisk{dieAt: dieAt, powerLoss: powerLoss, written: map[string]*int64{}}
}

// step reports whether the next operation is done: wholly, by half, or not.
func (d *faultDisk) step() (whole, half bool) {
	if d.dead {
		return false, false
	}
	d.ops++
	if d.ops == d.dieAt {
		d.dead = true
		return false, true
	}
	return true, false
}

// settle leaves the folder as it would be found after the death.
func (d *faultDisk) settle() {
	if !d.powerLoss {
		return
	}
	for path, durable := range d.written {
		if info, err := os.Stat(path); err == nil && info.Size() > *durable {
			must(os.Truncate(path, *durable))
		}
	}
	for i := len(d.undo) - 1; i >= 0; i-- {
		u := d.undo[i]
		if _, err := os.Stat(u.to); err != nil {
			continue
		}
		must(os.Rename(u.to, u.from))
		if u.replaced {
			must(os.WriteFile(u.to, u.old, 0o666))
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (d *faultDisk) Create(path string) (checkpoint.File, error) {
	if whole, _ := d.step(); !whole {
		return nil, errDead
	}
	f, err := checkpoint.OSDisk.Create(path)
	d.written[path] = new(int64)
	return &faultFile{f, d, path}, err
}

func (d *faultDisk) Append(path string) (checkpoint.File, error) {
	if whole, _ := d.step(); !whole {
		return nil, errDead
	}
	size := new(int64)
	if info, err := os.Stat(path); err == nil {
		*size = info.Size()
	}
	d.written[path] = size
	f, err := checkpoint.OSDisk.Append(path)
	return &faultFile{f, d, path}, err
}

func (d *faultDisk) Mkdir(path string) error {
	if whole, _ := d.step(); !whole {
		return errDead
	}
	return checkpoint.OSDisk.Mkdir(path)
}

func (d *faultDisk) Rename(from, to string) error {
	if whole, _ := d.step(); !whole {
		return errDead
	}
	old, err := os.ReadFile(to)
	d.undo = append(d.undo, undo{from, to, old, err == nil})
	return checkpoint.OSDisk.Rename(from, to)
}

func (d *faultDisk) RemoveAll(path string) error {
	whole, half := d.step()
	if half { // one file of the folder goes, the others stay
		if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
			must(os.RemoveAll(filepath.Join(path, entries[0].Name())))
		}
	}
	if !whole {
		return errDead
	}
	return checkpoint.OSDisk.RemoveAll(path)
}

func (d *faultDisk) SyncDir(path string) error {
	if whole, _ := d.step(); !whole {
		return errDead
	}
	var left []undo
	for _, u := range d.undo {
		if filepath.Dir(u.to) != path {
			left = append(left, u)
		}
	}
	d.undo = left
	return nil
}

type faultFile struct {
	checkpoint.File
	d    *faultDisk
	path string
}

func (f *faultFile) Write(p []byte) (int, error) {
	whole, half := f.d.step()
	switch {
	case whole:
		return f.File.Write(p)
	case half:
		n, _ := f.File.Write(p[:len(p)/2])
		return n, errDead
	}
	return 0, errDead
}

func (f *faultFile) Truncate(size int64) error {
	if whole, _ := f.d.step(); !whole {
		return errDead
	}
	return f.File.Truncate(size)
}

func (f *faultFile) Sync() error {
	if whole, _ := f.d.step(); !whole {
		return errDead
	}
	info, err := os.Stat(f.path)
	if err == nil {
		*f.d.written[f.path] = info.Size()
	}
	return err
}
