package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"github.com/oaif/oaif/oaif"
)

// The append-only logs of a run folder.
const (
	Metrics = "metrics.jsonl" // one line a step, no times; cut back on resume
	Pairs   = "pairs.jsonl"   // every sampled pair; cut back on resume
	System  = "system.jsonl"  // times, rates, memory of everything that ran; never cut back
)

const (
	lockName       = "run.lock"
	checkpointsDir = "checkpoints"
	tmpSuffix      = ".tmp"
)

// contents are the names that show that a folder already holds a run.
var contents = []string{
	"config.toml", Metrics, Pairs, System, "verdicts.jsonl", "summary.json", "report.html",
	checkpointsDir, "eval", "model",
}

// Options say how a run folder is opened.
type Options struct {
	// Resume continues the run in the folder. Without it a folder that holds a run is refused.
	Resume bool
}

// Run is an open run folder, locked against other processes. Append, Offsets, Sync and WriteFile
// (of different names) are safe for concurrent use; Save, Latest, Rewind and Close are called from
// one goroutine at a time, and a Blob's Write must not call the Run.
type Run struct {
	dir  string
	disk disk
	lock *flock.Flock

	mu    sync.Mutex // guards logs and saved
	logs  map[string]*log
	saved map[int]bool // steps whose checkpoints this process wrote or verified
}

// OpenRun opens the run folder dir and holds it until Close or the end of the process. A new run
// makes the folder; a resumed one must be there. Leftovers of interrupted writes (*.tmp, a torn
// last line of a log) are removed. A folder that another process holds, one that holds a run
// when opt.Resume is false, and one without a run when it is true are refused with ErrData.
func OpenRun(dir string, opt Options) (*Run, error) { return openRun(osDisk{}, dir, opt) }

func openRun(d disk, dir string, opt Options) (*Run, error) {
	if opt.Resume {
		if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil && holding(dir) == "" {
			return nil, noRun(dir)
		}
	}
	if err := makeDir(d, dir); err != nil {
		return nil, err
	}
	r := &Run{dir: dir, disk: d, logs: map[string]*log{}, saved: map[int]bool{}}
	if err := r.acquire(); err != nil {
		return nil, err
	}
	if err := r.prepare(opt); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Begun reports whether dir holds a run, which can be resumed. It does not where there is no dir,
// or nothing in it but what a process leaves that was killed before it wrote anything of its run.
// Other files without a run are refused with ErrData: dir is hardly the folder that was meant.
func Begun(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unreadable(dir, err)
	}
	if holding(dir) != "" {
		return true, nil
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), tmpSuffix)
		if name != lockName && !slices.Contains(contents, name) {
			return false, noRun(dir)
		}
	}
	return false, nil
}

func noRun(dir string) error {
	return oaif.DataError(dir + ": holds no run to resume; start it without --resume")
}

func (r *Run) acquire() error {
	path := filepath.Join(r.dir, lockName)
	r.lock = flock.New(path)
	held, err := r.lock.TryLock()
	if err != nil {
		return oaif.DataError(fmt.Sprintf("%s: cannot be locked: %v", path, cause(err)))
	}
	if !held {
		return oaif.DataError(r.dir + ": another process works in this run folder; " +
			"wait until it ends or choose another folder with --out")
	}
	return nil
}

func (r *Run) prepare(opt Options) error {
	if name := holding(r.dir); name != "" && !opt.Resume {
		return oaif.DataError(fmt.Sprintf("%s: already holds a run (%s); "+
			"continue it with --resume or choose another folder with --out", r.dir, name))
	}
	if err := r.removeLeftovers(); err != nil {
		return err
	}
	for _, name := range []string{Metrics, Pairs, System} {
		l := newLog(r.disk, r.Path(name))
		r.logs[name] = l
		if err := l.load(); err != nil {
			return err
		}
	}
	return nil
}

// holding returns the first sign of a run in dir, or "". Empty files and folders do not count: they
// are what a run leaves that failed before its first step.
func holding(dir string) string {
	for _, name := range contents {
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if !info.IsDir() && info.Size() > 0 {
			return name
		}
		if entries, err := os.ReadDir(path); err == nil && hasFinished(entries) {
			return name
		}
	}
	return ""
}

func hasFinished(entries []fs.DirEntry) bool {
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), tmpSuffix) {
			return true
		}
	}
	return false
}

// removeLeftovers deletes what interrupted writes left in the folder and in the folders in it.
func (r *Run) removeLeftovers() error {
	for _, pattern := range []string{"*" + tmpSuffix, filepath.Join("*", "*"+tmpSuffix)} {
		paths, err := fs.Glob(os.DirFS(r.dir), filepath.ToSlash(pattern))
		if err != nil {
			return diskError(r.dir, err)
		}
		for _, name := range paths {
			if err := r.disk.RemoveAll(r.Path(name)); err != nil {
				return diskError(r.Path(name), err)
			}
		}
	}
	return nil
}

// Dir returns the run folder as it was given to OpenRun.
func (r *Run) Dir() string { return r.dir }

// Path returns the path of a slash-separated name in the run folder.
func (r *Run) Path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// WriteFile puts a small file such as summary.json or eval/step-5.jsonl into the run folder
// atomically: name holds its old content or all of data. Parent folders are made.
func (r *Run) WriteFile(name string, data []byte) error {
	return writeFile(r.disk, r.Path(name), data)
}

// Append adds one line to the log name (Metrics, Pairs or System); line has no line end. After a
// failed write the partial line is cut off again and every later Append, Sync and Save fails with
// the same error, so that no log is continued behind a gap.
func (r *Run) Append(name string, line []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.logs[name]
	if !ok {
		return fmt.Errorf("checkpoint: no log is named %q", name)
	}
	return l.append(line)
}

// Offsets returns the length in bytes of each log.
func (r *Run) Offsets() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	sizes := map[string]int64{}
	for name, l := range r.logs {
		sizes[name] = l.size
	}
	return sizes
}

// Sync makes all lines appended so far durable.
func (r *Run) Sync() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.syncLogs()
}

func (r *Run) syncLogs() error {
	for _, name := range []string{Metrics, Pairs, System} {
		if err := r.logs[name].sync(); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the logs and lets other processes use the folder. The lock file stays: removing it
// could let two processes hold two different files of that name.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, l := range r.logs {
		err = errors.Join(err, l.close())
	}
	return errors.Join(err, r.lock.Unlock())
}
