package checkpoint_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/checkpoint"
)

// damages are what can have happened to a file of n bytes.
var damages = map[string]func(data []byte) []byte{
	"missing":       nil,
	"empty":         func([]byte) []byte { return nil },
	"cut by a byte": func(d []byte) []byte { return d[:len(d)-1] },
	"cut in half":   func(d []byte) []byte { return d[:len(d)/2] },
	"first byte":    func(d []byte) []byte { return flip(d, 0) },
	"middle byte":   func(d []byte) []byte { return flip(d, len(d)/2) },
	"longer":        func(d []byte) []byte { return append(d, "x{}\n"...) },
	"zeros":         func(d []byte) []byte { return make([]byte, len(d)) },
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func flip(data []byte, at int) []byte {
	data[at] ^= 1
	return data
}

// damagedRun makes a run with the checkpoints 1 and 2 and damages one file of it.
func damagedRun(t *testing.T, name, damage string) *checkpoint.Run {
	t.Helper()
	dir := t.TempDir()
	run, err := checkpoint.OpenRun(dir, checkpoint.Options{})
	check(t, err)
	save(t, run, 1)
	save(t, run, 2)
	check(t, run.Close())
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	check(t, err)
	if change := damages[damage]; change == nil {
		check(t, os.Remove(path))
	} else {
		check(t, os.WriteFile(path, change(data), 0o666))
	}
	return open(t, dir, true)
}

func TestDamagedCheckpointFallsBack(t *testing.T) {
	for _, name := range []string{"manifest.json", "weights.bin"} {
		for damage := range damages {
			run := damagedRun(t, "checkpoints/step-2/"+name, damage)
			cp, err := run.Latest()
			if err != nil {
				t.Fatalf("%s %s: %v", name, damage, err)
			}
			if cp.Step != 1 || !strings.Contains(cp.Warning, name) ||
				!strings.Contains(cp.Warning, "going on from step 1") {
				t.Errorf("%s %s: step %d, warning %q", name, damage, cp.Step, cp.Warning)
			}
			check(t, run.Rewind(cp))
			save(t, run, 2) // over the damaged one
			if cp, err = run.Latest(); err != nil || cp.Step != 2 || cp.Warning != "" {
				t.Errorf("%s %s: saved again: %+v, %v", name, damage, cp, err)
			}
		}
	}
}

func TestDamagedCheckpointIsReplacedWithoutRewind(t *testing.T) {
	run := damagedRun(t, "checkpoints/step-2/weights.bin", "zeros")
	save(t, run, 2)
	if cp, err := run.Latest(); err != nil || cp.Step != 2 || cp.Warning != "" {
		t.Errorf("latest is %+v, %v", cp, err)
	}
}

func TestDamagedLogs(t *testing.T) {
	// The lines are "{"step":1}\n" and "{"step":2}\n": damage to the second leaves checkpoint 1
	// good.
	for _, name := range []string{checkpoint.Metrics, checkpoint.Pairs} {
		for damage, step := range map[string]int{"missing": 0, "empty": 0, "cut by a byte": 1,
			"cut in half": 1, "first byte": 0, "middle byte": 1, "longer": 2, "zeros": 0} {
			cp, err := damagedRun(t, name, damage).Latest()
			switch {
			case step == 0:
				wantData(t, err, name, "no checkpoint can be used", "--out")
			case err != nil:
				t.Errorf("%s %s: %v", name, damage, err)
			case cp.Step != step || (step == 1) != strings.Contains(cp.Warning, name):
				t.Errorf("%s %s: step %d, warning %q", name, damage, cp.Step, cp.Warning)
			}
		}
	}
}

func TestDamagedSystemLogIsNoObstacle(t *testing.T) {
	for damage := range damages {
		cp, err := damagedRun(t, checkpoint.System, damage).Latest()
		if err != nil || cp.Step != 2 || cp.Warning != "" {
			t.Errorf("%s: %+v, %v", damage, cp, err)
		}
	}
}

func TestForeignManifests(t *testing.T) {
	for name, edit := range map[string]func(run *checkpoint.Run) error{
		"belongs to step 2": func(run *checkpoint.Run) error {
			return os.Rename(run.Path("checkpoints/step-2"), run.Path("checkpoints/step-7"))
		},
		"cut or not JSON": func(run *checkpoint.Run) error {
			return run.WriteFile("checkpoints/step-7/manifest.json", []byte("{"))
		},
		"digest that it states": func(run *checkpoint.Run) error {
			return run.WriteFile("checkpoints/step-7/manifest.json", []byte("{}"))
		},
		"is shorter": func(run *checkpoint.Run) error {
			return os.Truncate(run.Path(checkpoint.Pairs), 15)
		},
		"version 9": func(run *checkpoint.Run) error {
			// The digest is that of {"version":9}.
			return run.WriteFile("checkpoints/step-7/manifest.json", []byte(`{"manifest":`+
				`{"version":9},"sha256":"`+versionNine+`"}`))
		},
	} {
		run := open(t, t.TempDir(), false)
		save(t, run, 1)
		save(t, run, 2)
		check(t, edit(run))
		cp, err := run.Latest()
		if err != nil || !strings.Contains(cp.Warning, name) {
			t.Errorf("%s: %+v, %v", name, cp, err)
		}
	}
}

// TestManifestsStayInTheirFolder: what no Save writes is refused, whoever sealed it.
func TestManifestsStayInTheirFolder(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"name":"weights.bin"`, `"name":"../step-1/weights.bin"`, `"../step-1/weights.bin"`},
		{`"name":"weights.bin"`, `"name":".."`, `".."`},
		{`"name":"weights.bin"`, `"name":"a\u0000b"`, `"a\x00b"`},
		{`"name":"weights.bin","size":`, `"name":"weights.bin","size":-`, "-"},
		{`"bytes":`, `"bytes":-`, "metrics.jsonl has -"},
	} {
		run := open(t, t.TempDir(), false)
		save(t, run, 1)
		save(t, run, 2)
		name := "checkpoints/step-2/manifest.json"
		data, err := os.ReadFile(run.Path(name))
		check(t, err)
		text := manifestOf(t, data)
		if !strings.Contains(text, c.old) {
			t.Fatalf("no %s in %s", c.old, text)
		}
		check(t, run.WriteFile(name, seal(strings.Replace(text, c.old, c.new, 1))))
		cp, err := run.Latest()
		if err != nil || cp.Step != 1 || !strings.Contains(cp.Warning, c.want) {
			t.Errorf("%s: %+v, %v", c.new, cp, err)
		}
	}
}

// TestLinksAreRefused: a link in a run folder could have another file read, or cut.
func TestLinksAreRefused(t *testing.T) {
	for _, name := range []string{"weights.bin", "manifest.json"} {
		run := open(t, t.TempDir(), false)
		save(t, run, 1)
		save(t, run, 2)
		path := run.Path("checkpoints/step-2/" + name)
		aside := filepath.Join(t.TempDir(), name)
		check(t, os.Rename(path, aside))
		check(t, os.Symlink(aside, path))
		cp, err := run.Latest()
		if err != nil || cp.Step != 1 || !strings.Contains(cp.Warning, "not a regular file") {
			t.Errorf("%s: %+v, %v", name, cp, err)
		}
	}
	dir, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	check(t, os.WriteFile(other, []byte("mine\nno line end"), 0o666))
	check(t, os.WriteFile(filepath.Join(dir, "config.toml"), []byte("#"), 0o666))
	check(t, os.Symlink(other, filepath.Join(dir, checkpoint.Pairs)))
	_, err := checkpoint.OpenRun(dir, checkpoint.Options{Resume: true})
	wantData(t, err, checkpoint.Pairs, "not a regular file")
	if text, err := os.ReadFile(other); err != nil || string(text) != "mine\nno line end" {
		t.Errorf("the other file now holds %q, %v", text, err)
	}
}

const versionNine = "a2fdcdcf238107f7bd80b9b501f396302b1a86b8ebc8767a7c8f6e0fc4a37c8c"
