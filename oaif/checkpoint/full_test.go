package checkpoint_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
)

// fullDisk has room for a number of bytes, counted over all files.
type fullDisk struct {
	checkpoint.Disk
	room int
}

type fullFile struct {
	checkpoint.File
	d *fullDisk
}

func (d *fullDisk) Create(path string) (checkpoint.File, error) {
	f, err := d.Disk.Create(path)
	return &fullFile{f, d}, err
}

func (d *fullDisk) Append(path string) (checkpoint.File, error) {
	f, err := d.Disk.Append(path)
	return &fullFile{f, d}, err
}

func (f *fullFile) Write(p []byte) (int, error) {
	if len(p) <= f.d.room {
		f.d.room -= len(p)
		return f.File.Write(p)
	}
	n, err := f.File.Write(p[:f.d.room])
	f.d.room = 0
	if err == nil {
		err = &os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}
	}
	return n, err
}

func TestFullDiskAtEveryByte(t *testing.T) {
	want, _ := unbroken(t)
	enough := 0
	for room := 0; enough == 0; room += 97 {
		dir := filepath.Join(t.TempDir(), "run")
		err := toyRun(&fullDisk{newFaultDisk(0, false), room}, dir, false)
		if err == nil {
			enough = room
		} else {
			wantData(t, err, dir, "the disk is full", "--resume")
			for name, content := range tree(t, dir) {
				torn := strings.HasSuffix(name, ".jsonl") && !strings.HasSuffix(content, "\n")
				if torn && content != "" || strings.Contains(name, ".tmp") {
					t.Fatalf("room for %d bytes: %s was left as %.30q", room, name, content)
				}
			}
		}
		if err := toyRun(newFaultDisk(0, false), dir, true); err != nil {
			t.Fatalf("room for %d bytes, resumed: %v", room, err)
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Fatalf("room for %d bytes: %s", room, diff)
		}
	}
	if enough < 10_000 {
		t.Errorf("a run of %d bytes is too small to have tested much", enough)
	}
}

func TestNothingIsWrittenAfterAFailedLine(t *testing.T) {
	d := &fullDisk{checkpoint.OSDisk, 30}
	run, err := checkpoint.OpenRunOn(d, t.TempDir(), checkpoint.Options{})
	check(t, err)
	check(t, run.Append(checkpoint.Pairs, []byte(`{"step":1}`)))
	wantData(t, run.Append(checkpoint.Pairs, bytes.Repeat([]byte("x"), 40)), checkpoint.Pairs)
	d.room = 1 << 20
	wantData(t, run.Append(checkpoint.Pairs, []byte(`{"step":3}`)), checkpoint.Pairs)
	wantData(t, run.Sync(), checkpoint.Pairs)
	wantData(t, run.Save(3, nil, nil), checkpoint.Pairs)
	check(t, run.Close())
	if got, err := os.ReadFile(run.Path(checkpoint.Pairs)); string(got) != "{\"step\":1}\n" {
		t.Errorf("the log is %q, %v", got, err)
	}
}

// fillUp runs in a process of its own, whose files may not pass 1,500 bytes.
func fillUp() {
	limit := &syscall.Rlimit{Cur: 1500, Max: 1500}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, limit); err != nil {
		fmt.Println("no limit:", err)
		return
	}
	err := toyRun(checkpoint.OSDisk, os.Getenv("CHECKPOINT_TEST_DIR"), false)
	fmt.Printf("data error %v: %v\n", errors.Is(err, oaif.ErrData), err)
}

func TestRealLimitOnFileSizes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	out, err := role(t, "full", dir).CombinedOutput()
	if strings.HasPrefix(string(out), "no limit") {
		t.Skipf("this system does not limit file sizes: %s", out)
	}
	blob := filepath.Join(dir, "checkpoints", "step-2.tmp", "weights.bin")
	said, _, _ := strings.Cut(string(out), "\n")
	if err != nil || said != "data error true: "+blob+
		": cannot be written: it would pass the limit on file sizes" {
		t.Errorf("the process with the limit said %q, %v", out, err)
	}
	run := open(t, dir, true)
	if names := checkpoints(t, run); len(names) != 0 {
		t.Errorf("half a checkpoint was left: %v", names)
	}
	if cp, err := run.Latest(); cp != nil || err != nil {
		t.Errorf("latest is %+v, %v", cp, err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	check(t, os.Chmod(dir, 0o555))
	_, err := checkpoint.OpenRun(filepath.Join(dir, "run"), checkpoint.Options{})
	wantData(t, err, dir, "permission denied")
}
