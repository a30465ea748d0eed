package weights_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif/weights"
)

// sources returns all tensors of a model, last name first.
func sources(t *testing.T, m *weights.Model) []weights.Source {
	t.Helper()
	var out []weights.Source
	for _, name := range m.Tensors() {
		tensor, err := m.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, weights.Source{Name: name, Shape: tensor.Shape, Fill: tensor.Float32})
	}
	slices.Reverse(out)
	return out
}

func text(name, content string) weights.File {
	return weights.File{Name: name, Write: func(path string) error {
		return os.WriteFile(path, []byte(content), 0o644)
	}}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestWriteHF: the file of weights is the one that Python's library writes, byte for byte, and what
// is read back is what was written.
func TestWriteHF(t *testing.T) {
	for _, name := range []string{"tiny.gguf", "hf4", "hf5"} {
		t.Run(name, func(t *testing.T) {
			m := open(t, filepath.Join("testdata", name))
			dir := filepath.Join(t.TempDir(), "sub", "model")
			err := weights.WriteHF(dir, m.Config(), sources(t, m),
				[]weights.File{text("tokenizer.json", "{}")})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"config.json", "generation_config.json", "model.safetensors",
				"tokenizer.json"}
			if diff := cmp.Diff(want, names(t, dir)); diff != "" {
				t.Errorf("files:\n%s", diff)
			}
			if left := names(t, filepath.Dir(dir)); len(left) != 1 {
				t.Errorf("beside the folder: %q", left)
			}
			back := open(t, dir)
			if diff := cmp.Diff(digests(t, m), digests(t, back)); diff != "" {
				t.Errorf("tensors:\n%s", diff)
			}
			// A GGUF file holds the factors themselves, rounded by another library.
			near := cmp.Comparer(
				func(a, b float32) bool { return math.Abs(float64(a-b)) <= 2e-6*float64(a) })
			if diff := cmp.Diff(m.Config(), back.Config(), near); diff != "" {
				t.Errorf("config:\n%s", diff)
			}
			if name == "tiny.gguf" {
				sum := sha256.Sum256(readFile(t, filepath.Join(dir, "model.safetensors")))
				want := golden[string](t, "tiny.gguf as model.safetensors")
				if got := hex.EncodeToString(sum[:]); got != want {
					t.Errorf("model.safetensors has SHA-256 %s", got)
				}
			}
		})
	}
}

func TestWrittenConfig(t *testing.T) {
	m := open(t, "testdata/hf5")
	dir := filepath.Join(t.TempDir(), "model")
	if err := weights.WriteHF(dir, m.Config(), sources(t, m), nil); err != nil {
		t.Fatal(err)
	}
	var c, g map[string]any
	for file, object := range map[string]*map[string]any{
		"config.json": &c, "generation_config.json": &g,
	} {
		if err := json.Unmarshal(readFile(t, filepath.Join(dir, file)), object); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]any{"bos_token_id": 1.0, "eos_token_id": []any{2.0, 5.0, 9.0}}
	if diff := cmp.Diff(ids, g); diff != "" {
		t.Errorf("generation_config.json:\n%s", diff)
	}
	want := map[string]any{"architectures": []any{"LlamaForCausalLM"}, "model_type": "llama",
		"hidden_size": 32.0, "torch_dtype": "float32", "rope_theta": 20000.0,
		"rope_scaling": nil, "tie_word_embeddings": true, "eos_token_id": ids["eos_token_id"]}
	for key, value := range want {
		if diff := cmp.Diff(value, c[key]); diff != "" {
			t.Errorf("config.json: %s:\n%s", key, diff)
		}
	}
}

func TestWriteHFReplaces(t *testing.T) {
	m := open(t, "testdata/hf5")
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	write := func(extra ...weights.File) error {
		t.Helper()
		return weights.WriteHF(dir, m.Config(), sources(t, m), extra)
	}
	// an empty folder and two of a crash
	for _, leftover := range []string{dir, dir + ".tmp/x", dir + ".old/y"} {
		if err := os.MkdirAll(leftover, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"first", "second"} {
		if err := write(text(name, "")); err != nil {
			t.Fatal(err)
		}
		want := []string{"config.json", name, "generation_config.json", "model.safetensors"}
		if got := names(t, dir); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("after the %s write: %q", name, got)
		}
		if left := names(t, parent); len(left) != 1 {
			t.Errorf("beside the folder: %q", left)
		}
	}
	// A failed write leaves the old folder as it was.
	fail := func(string) error { return errors.New("no") }
	if err := write(weights.File{Name: "x", Write: fail}); err == nil {
		t.Error("no error")
	}
	if !slices.Contains(names(t, dir), "second") || len(names(t, parent)) != 1 {
		t.Errorf("after a failed write: %q, beside it %q", names(t, dir), names(t, parent))
	}
	if err := os.Remove(filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	wantDataError(t, write(), dir, "not a model folder")
}

func TestWriteHFRefuses(t *testing.T) {
	m := open(t, "testdata/tiny.gguf")
	failed := errors.New("no weights")
	for _, c := range []struct {
		name   string
		change func(*weights.Config, *[]weights.Source)
		want   []string
	}{
		{"missing", func(_ *weights.Config, s *[]weights.Source) { *s = (*s)[1:] },
			[]string{"missing"}},
		{"twice", func(_ *weights.Config, s *[]weights.Source) { *s = append(*s, (*s)[0]) },
			[]string{"twice"}},
		{"unknown", func(_ *weights.Config, s *[]weights.Source) { (*s)[0].Name = "x" },
			[]string{`"x"`}},
		{"shape", func(_ *weights.Config, s *[]weights.Source) { (*s)[0].Shape = []int{3} },
			[]string{"[3]"}},
		{"family", func(c *weights.Config, _ *[]weights.Source) { c.Arch = "x" }, []string{`"x"`}},
		{"end id", func(c *weights.Config, _ *[]weights.Source) { c.EOS = []int32{99} },
			[]string{"99"}},
		{"factors", func(c *weights.Config, _ *[]weights.Source) { c.RopeScaling = nil },
			[]string{"rotary"}},
		{"NaN", func(_ *weights.Config, s *[]weights.Source) {
			(*s)[0].Fill = func(dst []float32) error {
				dst[3] = float32(math.NaN())
				return nil
			}
		}, []string{"NaN at index 3"}},
		{"fill", func(_ *weights.Config, s *[]weights.Source) {
			(*s)[5].Fill = func([]float32) error { return failed }
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, list := m.Config(), sources(t, m)
			c.change(&cfg, &list)
			parent := t.TempDir()
			dir := filepath.Join(parent, "model")
			err := weights.WriteHF(dir, cfg, list, nil)
			if c.want == nil {
				if !errors.Is(err, failed) {
					t.Errorf("got %v", err)
				}
			} else {
				wantDataError(t, err, dir, c.want...)
			}
			if left := names(t, parent); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
	err := weights.WriteHF(filepath.Join(t.TempDir(), "model"), m.Config(), sources(t, m),
		[]weights.File{text("../x", "")})
	if err == nil {
		t.Error("a file outside the folder was accepted")
	}
}

// TestFullDisk writes on a full disk, in a process of its own: a file size limit gives the same
// kind of failure at the same system call, without the right to mount anything.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("OAIF_TEST_FULL_DISK"); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := &syscall.Rlimit{Cur: 50000, Max: 50000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, limit); err != nil {
			t.Fatal(err)
		}
		m := open(t, "testdata/tiny.gguf")
		wantDataError(t, weights.WriteHF(dir, m.Config(), sources(t, m), nil), dir,
			"cannot be written: file too large")
		return
	}
	parent := t.TempDir()
	c := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	c.Env = append(os.Environ(), "OAIF_TEST_FULL_DISK="+filepath.Join(parent, "model"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if left := names(t, parent); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
