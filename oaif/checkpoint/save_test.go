package checkpoint_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
)

func checkpoints(t *testing.T, run *checkpoint.Run) []string {
	t.Helper()
	entries, err := os.ReadDir(run.Path("checkpoints"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func save(t *testing.T, run *checkpoint.Run, step int) {
	t.Helper()
	var state toyState
	for _, name := range []string{checkpoint.Metrics, checkpoint.Pairs, checkpoint.System} {
		if err := run.Append(name, fmt.Appendf(nil, `{"step":%d}`, step)); err != nil {
			t.Fatal(err)
		}
	}
	state.Sum = uint64(step)
	blob := bytesBlob("weights.bin", toyWeights(state.Sum))
	if err := run.Save(step, state, []checkpoint.Blob{blob}); err != nil {
		t.Fatal(err)
	}
}

func TestSaveKeepsTheLastTwo(t *testing.T) {
	run := open(t, t.TempDir(), false)
	if cp, err := run.Latest(); cp != nil || err != nil {
		t.Fatalf("a new run has the checkpoint %v, %v", cp, err)
	}
	for _, step := range []int{0, 9, 10, 100} {
		save(t, run, step)
	}
	if diff := cmp.Diff([]string{"step-10", "step-100"}, checkpoints(t, run)); diff != "" {
		t.Error(diff)
	}
	cp, err := run.Latest()
	if err != nil || cp.Step != 100 || cp.Warning != "" {
		t.Fatalf("latest is %+v, %v", cp, err)
	}
	var state toyState
	if err := restore(cp, &state); err != nil || state.Sum != 100 {
		t.Errorf("state %+v, %v", state, err)
	}
}

func TestBlobsAreStreamed(t *testing.T) {
	run := open(t, t.TempDir(), false)
	const piece, pieces = 999_983, 7 // no multiple of any buffer
	data := bytes.Repeat([]byte("abcdefg"), piece)
	blob := checkpoint.Blob{Name: "big.bin", Size: int64(len(data)),
		Write: func(w io.Writer) error {
			for i := range pieces {
				if _, err := w.Write(data[i*piece : (i+1)*piece]); err != nil {
					return err
				}
			}
			return nil
		}}
	if err := run.Save(1, nil, []checkpoint.Blob{blob, bytesBlob("empty.bin", nil)}); err != nil {
		t.Fatal(err)
	}
	cp, err := run.Latest()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"big.bin": data, "empty.bin": {}} {
		f, err := cp.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes came back of %d, %v", name, len(got), len(want), err)
		}
	}
	if _, err := cp.Open("other.bin"); !errors.Is(err, oaif.ErrData) {
		t.Errorf("a blob that was not saved: %v", err)
	}
	if err := cp.State(new(int)); err != nil {
		t.Errorf("null state: %v", err)
	}
	if err := run.Save(2, "text", nil); err != nil {
		t.Fatal(err)
	}
	if cp, err = run.Latest(); err != nil {
		t.Fatal(err)
	}
	wantData(t, cp.State(new(int)), "manifest.json", "state")
}

func TestSaveRefusesMistakes(t *testing.T) {
	run := open(t, t.TempDir(), false)
	save(t, run, 1)
	ok := bytesBlob("a.bin", []byte("abc"))
	short, long := ok, ok
	short.Size, long.Size = 4, 2
	bad := errors.New("the tensor is gone")
	for name, test := range map[string]struct {
		step  int
		state any
		blobs []checkpoint.Blob
		want  string
	}{
		"step":      {-1, nil, nil, "negative"},
		"state":     {2, func() {}, nil, "state of step 2"},
		"no name":   {2, nil, []checkpoint.Blob{{}}, "file name"},
		"path":      {2, nil, []checkpoint.Blob{bytesBlob("../a", nil)}, "file name"},
		"manifest":  {2, nil, []checkpoint.Blob{bytesBlob("manifest.json", nil)}, "taken"},
		"twice":     {2, nil, []checkpoint.Blob{ok, ok}, "taken"},
		"too short": {2, nil, []checkpoint.Blob{short}, "3 bytes, 4"},
		"too long":  {2, nil, []checkpoint.Blob{long}, "3 bytes, 2"},
		"writer": {2, nil, []checkpoint.Blob{ok, {Name: "b", Write: func(io.Writer) error {
			return bad
		}}}, "writing b: the tensor is gone"},
	} {
		err := run.Save(test.step, test.state, test.blobs)
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, oaif.ErrData) {
			t.Errorf("%s: error %v, want one with %q that is no ErrData", name, err, test.want)
		}
		if diff := cmp.Diff([]string{"step-1"}, checkpoints(t, run)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSavingAStepTwiceChangesNothing(t *testing.T) {
	run := open(t, t.TempDir(), false)
	save(t, run, 3)
	before := tree(t, run.Path("checkpoints"))
	if err := run.Save(3, toyState{99}, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, run.Path("checkpoints"))); diff != "" {
		t.Error(diff)
	}
}

func TestRewind(t *testing.T) {
	dir := t.TempDir()
	run := open(t, dir, false)
	save(t, run, 1)
	save(t, run, 2)
	for _, name := range []string{checkpoint.Metrics, checkpoint.Pairs, checkpoint.System} {
		if err := run.Append(name, []byte("after")); err != nil {
			t.Fatal(err)
		}
	}
	cp, err := run.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Rewind(cp); err != nil {
		t.Fatal(err)
	}
	two := "{\"step\":1}\n{\"step\":2}\n"
	logs := func(metrics, system string) {
		t.Helper()
		for name, want := range map[string]string{checkpoint.Metrics: metrics,
			checkpoint.Pairs: metrics, checkpoint.System: system} {
			if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	logs(two, two+"after\n")
	save(t, run, 3)
	logs(two+"{\"step\":3}\n", two+"after\n{\"step\":3}\n")
	if err := run.Rewind(nil); err != nil {
		t.Fatal(err)
	}
	logs("", two+"after\n{\"step\":3}\n")
	if names := checkpoints(t, run); len(names) != 0 {
		t.Errorf("checkpoints %v outlived the start", names)
	}
	save(t, run, 3) // the same number as one before, now for another past
	if cp, err = run.Latest(); err != nil || cp.Step != 3 {
		t.Errorf("latest after starting again: %+v, %v", cp, err)
	}
}
