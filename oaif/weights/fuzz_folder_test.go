package weights

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/fuzztest"
)

// must ends a test or fuzz target whose own files cannot be read or written.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// outside returns a copy of the folder name, beside a shard of weights and with links to it.
func outside(t testing.TB, name string) string {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))))
	_, shard := seedFiles(t)
	must(t, os.WriteFile(filepath.Join(parent, "outside.safetensors"), shard, 0o600))
	must(t, os.Symlink("../outside.safetensors", filepath.Join(dir, "link.safetensors")))
	must(t, os.Symlink("..", filepath.Join(dir, "up")))
	must(t, os.Symlink("link.safetensors", filepath.Join(dir, "chain")))
	return dir
}

// FuzzIndex: whatever files an index names, nothing outside of the folder is mapped.
func FuzzIndex(f *testing.F) {
	dir := outside(f, "hf5")
	whole, err := os.ReadFile(filepath.Join(dir, indexFile))
	must(f, err)
	f.Add(string(whole))
	for _, shard := range []string{
		"../outside.safetensors", "link.safetensors", "chain", "up/outside.safetensors", "up", ".",
		filepath.Join(dir, "../outside.safetensors"), "/dev/zero", "", "x\x00y", `x\ny`,
		"config.json", "./model-00003-of-00003.safetensors",
	} {
		f.Add(strings.ReplaceAll(string(whole), "model-00003-of-00003.safetensors", shard))
		f.Add(fmt.Sprintf(`{"weight_map":{"model.norm.weight":%q}}`, shard))
	}
	f.Add(`{"weight_map":{"a":1}}`)
	f.Add(`{"weight_map":null}`)
	f.Fuzz(func(t *testing.T, index string) {
		must(t, os.WriteFile(filepath.Join(dir, indexFile), []byte(index), 0o600))
		m := &Model{path: dir}
		fuzztest.Memory(t, len(index), 256, func() { _, err = m.mapShards(dir) })
		fuzztest.OneLine(t, err, oaif.ErrData)
		for _, file := range m.files {
			info, err := os.Lstat(file.path)
			must(t, err)
			if filepath.Dir(file.path) != dir || !info.Mode().IsRegular() {
				t.Errorf("%s was mapped", file.path)
			}
		}
		must(t, m.Close())
	})
}

// FuzzConfig: settings are refused in one line, or they are those of a model, they are read back
// from what WriteHF writes of them, and no size among them counts for more than the weights.
func FuzzConfig(f *testing.F) {
	dir := outside(f, "hf4")
	for _, name := range []string{"hf4", "hf5"} {
		config, err := os.ReadFile(filepath.Join("testdata", name, configFile))
		must(f, err)
		text := string(config)
		f.Add(text, `{"eos_token_id": [5, 9]}`)
		f.Add(strings.Replace(text, `"num_hidden_layers": 1`, `"num_hidden_layers": 4096`, 1), "{}")
		f.Add(strings.Replace(text, `"silu"`, `"si\nlu"`, 1), `{"eos_token_id": -1}`)
		f.Add(strings.Replace(text, `"head_dim": 16`, `"head_dim": 16384`, 1), "null")
		f.Add(strings.Replace(text, `1e-05`, `1e-400`, 1), "[]")
		f.Add(strings.Replace(text, `"llama3"`, `"ya\u001brn"`, 1), "{\"eos_token_id\":")
	}
	families, err := filepath.Glob("../model/testdata/families/*/" + configFile)
	must(f, err)
	for _, path := range families {
		config, err := os.ReadFile(path)
		must(f, err)
		f.Add(string(config), "{}")
	}
	f.Fuzz(func(t *testing.T, config, generation string) {
		must(t, os.WriteFile(filepath.Join(dir, configFile), []byte(config), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, generationFile), []byte(generation), 0o600))
		var fam *family
		var cfg Config
		var err error
		fuzztest.Memory(t, len(config)+len(generation), 256, func() {
			var m *Model
			if m, err = Open(dir); err == nil {
				must(t, m.Close())
			}
			fam, cfg, err = readHFConfig(dir, false)
		})
		fuzztest.OneLine(t, err, oaif.ErrData)
		if err == nil {
			checkConfig(t, fam, cfg)
		}
	})
}

func checkConfig(t *testing.T, fam *family, cfg Config) {
	t.Helper()
	must(t, cfg.check("config"))
	if !slices.IsSorted(cfg.EOS) {
		t.Errorf("end ids %d", cfg.EOS)
	}
	for i, factor := range cfg.RopeFactors {
		if !(factor > 0 && factor <= 1e6) {
			t.Errorf("rotary factor %d is %v", i, factor)
		}
	}
	dir := t.TempDir()
	must(t, writeJSON(filepath.Join(dir, configFile), configJSON(fam, cfg)))
	_, again, err := readHFConfig(dir, false)
	if err != nil || !reflect.DeepEqual(cfg, again) {
		t.Errorf("written and read again: %+v, %v, want %+v", again, err, cfg)
	}
}
