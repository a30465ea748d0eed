package weights

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/oaif/oaif/oaif"
)

// mapping is one file mapped read-only. Readers hold mu so that close never unmaps under them.
type mapping struct {
	path string
	mu   sync.RWMutex
	data []byte // nil once closed
}

func mapFile(path string) (*mapping, error) {
	// Opening a pipe would wait for someone who writes into it.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, dataError(path, "cannot be opened: %v", cause(err))
	}
	defer func() { _ = f.Close() }() // read-only: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return nil, dataError(path, "cannot be read: %v", cause(err))
	}
	if !info.Mode().IsRegular() {
		return nil, dataError(path, "is not a regular file")
	}
	if info.Size() == 0 {
		return nil, dataError(path, "is empty")
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, dataError(path, "cannot be mapped into memory: %v", err)
	}
	return &mapping{path: path, data: data}, nil
}

func (m *mapping) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		return nil
	}
	data := m.data
	m.data = nil
	if err := unix.Munmap(data); err != nil {
		return dataError(m.path, "cannot be unmapped: %v", err)
	}
	return nil
}

// guard runs read and turns a memory fault into an error: the pages of a mapped file vanish when
// another process truncates it. It covers the calling goroutine only.
func (m *mapping) guard(read func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		r := recover()
		if r == nil {
			return
		}
		if _, fault := r.(interface{ Addr() uintptr }); !fault {
			panic(r)
		}
		err = dataError(m.path, "was truncated by someone while it was being read")
	}()
	return read()
}

// dataError returns an oaif.DataError whose line starts with the file's path.
func dataError(path, format string, args ...any) error {
	return oaif.DataError(path + ": " + fmt.Sprintf(format, args...))
}

// cause strips the path from an error of package os, which the line names already.
func cause(err error) error {
	if e, ok := err.(*os.PathError); ok {
		return e.Err
	}
	return err
}
