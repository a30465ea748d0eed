package checkpoint_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif/checkpoint"
)

const lastStep = 6

// toyState stands for what a trainer has to carry over: every step changes it, and every line and
// blob depends on it, so that a wrong resume shows in the files.
type toyState struct {
	Sum uint64 `json:"sum"`
}

// toyRun is a run of six steps that saves after every second one; it resumes where it can.
func toyRun(d checkpoint.Disk, dir string, resume bool) (err error) {
	run, err := checkpoint.OpenRunOn(d, dir, checkpoint.Options{Resume: resume})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	var state toyState
	cp, err := run.Latest()
	if err != nil {
		return err
	}
	done := 0
	if cp != nil {
		if done, err = cp.Step, restore(cp, &state); err != nil {
			return err
		}
	}
	if err := run.Rewind(cp); err != nil {
		return err
	}
	for step := done + 1; step <= lastStep; step++ {
		if err := toyStep(run, step, &state); err != nil {
			return err
		}
	}
	return run.WriteFile("summary.json", fmt.Appendf(nil, `{"sum":%d}`, state.Sum))
}

func restore(cp *checkpoint.Checkpoint, state *toyState) error {
	if err := cp.State(state); err != nil {
		return err
	}
	f, err := cp.Open("weights.bin")
	if err != nil {
		return err
	}
	got, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if !bytes.Equal(got, toyWeights(state.Sum)) {
		return fmt.Errorf("the weights of step %d are not those of its state", cp.Step)
	}
	return nil
}

func toyStep(run *checkpoint.Run, step int, state *toyState) error {
	state.Sum = state.Sum*6364136223846793005 + uint64(step)
	for i := range 2 {
		line := fmt.Appendf(nil, `{"step":%d,"index":%d,"sum":%d}`, step, i, state.Sum)
		if err := run.Append(checkpoint.Pairs, line); err != nil {
			return err
		}
	}
	for _, name := range []string{checkpoint.Metrics, checkpoint.System} {
		line := fmt.Appendf(nil, `{"step":%d,"sum":%d}`, step, state.Sum)
		if err := run.Append(name, line); err != nil {
			return err
		}
	}
	if step%2 != 0 {
		return nil
	}
	return run.Save(step, state, []checkpoint.Blob{
		bytesBlob("weights.bin", toyWeights(state.Sum)),
		bytesBlob("optimizer.bin", toyWeights(state.Sum+1)),
	})
}

func toyWeights(sum uint64) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d ", sum), 100)
}

func bytesBlob(name string, data []byte) checkpoint.Blob {
	return checkpoint.Blob{Name: name, Size: int64(len(data)), Write: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}
}

// tree reads all files below dir except the system log, which grows with every attempt.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == checkpoint.System {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func unbroken(t *testing.T) (want map[string]string, ops int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	d := newFaultDisk(0, false)
	if err := toyRun(d, dir, false); err != nil {
		t.Fatal(err)
	}
	want = tree(t, dir)
	if len(want) != 10 { // lock, two logs, summary, two checkpoints of three files
		t.Fatalf("the unbroken run left %d files: %v", len(want), want)
	}
	return want, d.ops
}

// started reports whether a run that died in dir got as far as to be resumed.
func started(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "run.lock"))
	return err == nil
}

func TestDeathAtEveryOperationResumesToTheSameBytes(t *testing.T) {
	want, ops := unbroken(t)
	if ops < 90 {
		t.Fatalf("only %d operations were counted", ops)
	}
	for _, powerLoss := range []bool{false, true} {
		for dieAt := 1; dieAt <= ops; dieAt++ {
			dir := filepath.Join(t.TempDir(), "run")
			d := newFaultDisk(dieAt, powerLoss)
			if err := toyRun(d, dir, false); err == nil && dieAt < ops {
				t.Fatalf("power loss %v: no error from the death at operation %d", powerLoss, dieAt)
			}
			d.settle()
			if err := toyRun(newFaultDisk(0, false), dir, started(dir)); err != nil {
				t.Fatalf("power loss %v, death at operation %d: %v", powerLoss, dieAt, err)
			}
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Fatalf("power loss %v, death at operation %d: %s", powerLoss, dieAt, diff)
			}
		}
	}
}

func TestManyDeathsOfOneRunResumeToTheSameBytes(t *testing.T) {
	want, ops := unbroken(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		dir := filepath.Join(t.TempDir(), "run")
		deaths := 0
		for ; deaths < 30; deaths++ {
			d := newFaultDisk(1+rng.IntN(ops), rng.IntN(2) == 0)
			if err := toyRun(d, dir, started(dir)); err == nil {
				break
			}
			d.settle()
		}
		if err := toyRun(newFaultDisk(0, false), dir, started(dir)); err != nil {
			t.Fatalf("after %d deaths: %v", deaths, err)
		}
		if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
			t.Fatalf("after %d deaths: %s", deaths, diff)
		}
	}
}
