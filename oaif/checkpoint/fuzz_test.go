package checkpoint_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/checkpoint"
	"github.com/oaif/oaif/oaif/fuzztest"
)

// seal makes the file manifest.json of a manifest.
func seal(manifest string) []byte {
	sum := sha256.Sum256([]byte(manifest))
	return []byte(`{"manifest":` + manifest + `,"sha256":"` + hex.EncodeToString(sum[:]) + `"}`)
}

// manifestOf is the manifest that a file manifest.json seals.
func manifestOf(t testing.TB, data []byte) string {
	t.Helper()
	var sealed struct{ Manifest json.RawMessage }
	if err := json.Unmarshal(data, &sealed); err != nil {
		t.Fatal(err)
	}
	return string(sealed.Manifest)
}

// fuzzRun is a run folder of which a fuzz target writes the parts. A file lies beside it.
type fuzzRun struct{ dir, step string }

const (
	fuzzBlob = "weights"
	fuzzLog  = "{\"step\":1}\n"
)

func newFuzzRun(t testing.TB) fuzzRun {
	parent := t.TempDir()
	r := fuzzRun{filepath.Join(parent, "run"), filepath.Join(parent, "run/checkpoints/step-7")}
	if err := os.MkdirAll(r.step, 0o777); err != nil {
		t.Fatal(err)
	}
	r.write(t, filepath.Join(parent, "outside.bin"), fuzzBlob)
	r.write(t, filepath.Join(r.dir, "config.toml"), "#")
	if err := os.Symlink("../../../outside.bin", filepath.Join(r.step, "link.bin")); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r fuzzRun) write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// manifest is that of a good checkpoint of this run, with one blob called name.
func (r fuzzRun) manifest(name string) string {
	digest := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	return `{"version":1,"step":7,"state":{"sum":7},"blobs":[{"name":"` + name +
		`","size":7,"sha256":"` + digest(fuzzBlob) + `"}],"logs":{"metrics.jsonl":{"bytes":11,` +
		`"sha256":"` + digest(fuzzLog) + `"},"pairs.jsonl":{"bytes":0,"sha256":"` + digest("") +
		`"}}}`
}

// FuzzCheckpoint: a run folder is refused in one line, or it has a checkpoint whose files lie in it
// and to which it can be taken back. Sealed manifests have a good digest, others are a whole file.
func FuzzCheckpoint(f *testing.F) {
	r := newFuzzRun(f)
	for _, name := range []string{
		"weights.bin", "../../../outside.bin", "link.bin", "/dev/zero", "..", "", `a\nb`, `a\u0000`,
	} {
		f.Add(r.manifest(name), true, fuzzBlob, fuzzLog)
	}
	good := r.manifest("weights.bin")
	for _, edit := range [][2]string{
		{`:11,`, `:-11,`}, {`:11,`, `:9223372036854775807,`}, {`:7,"sha`, `:1e3,"sha`},
		{`{"sum":7}`, `null`}, {`"state":{"sum":7},`, ``}, {`"version":1`, `"version":"\n"`},
	} {
		f.Add(strings.Replace(good, edit[0], edit[1], 1), true, fuzzBlob, fuzzLog)
	}
	f.Add(good, true, fuzzBlob, fuzzLog+fuzzLog+"torn")
	f.Add(good, true, "other", fuzzLog)
	f.Add(string(seal(good)), false, fuzzBlob, fuzzLog)
	f.Add(strings.Repeat("[", 20000), true, fuzzBlob, fuzzLog)
	f.Fuzz(func(t *testing.T, manifest string, sealed bool, blob, lines string) {
		if sealed {
			manifest = string(seal(manifest))
		}
		r.write(t, filepath.Join(r.step, "manifest.json"), manifest)
		r.write(t, filepath.Join(r.step, "weights.bin"), blob)
		r.write(t, filepath.Join(r.dir, checkpoint.Metrics), lines)
		opt := checkpoint.Options{Resume: true}
		// This disk counts what is to be made durable, which is faster than doing it.
		run, err := checkpoint.OpenRunOn(newFaultDisk(0, false), r.dir, opt)
		if err != nil {
			t.Fatal(err)
		}
		var cp *checkpoint.Checkpoint
		fuzztest.Memory(t, len(manifest)+len(lines), 64, func() { cp, err = run.Latest() })
		fuzztest.OneLine(t, err, oaif.ErrData)
		if err == nil {
			r.check(t, run, cp, lines)
		}
		check(t, run.Close())
	})
}

func (r fuzzRun) check(t *testing.T, run *checkpoint.Run, cp *checkpoint.Checkpoint, lines string) {
	t.Helper()
	var state any
	fuzztest.OneLine(t, cp.State(&state), oaif.ErrData)
	names, size := cp.Parts(checkpoint.Metrics)
	for _, name := range names {
		file, err := cp.Open(name)
		check(t, err)
		info, err := os.Lstat(file.Name())
		check(t, err)
		if filepath.Dir(file.Name()) != r.step || !info.Mode().IsRegular() {
			t.Errorf("%s was read", file.Name())
		}
		check(t, file.Close())
	}
	check(t, run.Rewind(cp))
	left, err := os.ReadFile(run.Path(checkpoint.Metrics))
	check(t, err)
	if int64(len(left)) != size || !strings.HasPrefix(lines, string(left)) {
		t.Errorf("%d bytes are left of the log, the checkpoint says %d", len(left), size)
	}
}
