package weights_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif/weights"
)

// golden reads one entry of testdata/golden.json.
func golden[T any](t *testing.T, key string) T {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(all[key], &v); err != nil {
		t.Fatalf("golden.json: %s: %v", key, err)
	}
	return v
}

func open(t *testing.T, path string) *weights.Model {
	t.Helper()
	m, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func floats(t *testing.T, m *weights.Model, name string) []float32 {
	t.Helper()
	tensor, err := m.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	w := make([]float32, tensor.Len())
	if err := tensor.Float32(w); err != nil {
		t.Fatal(err)
	}
	return w
}

func addFloats(h hash.Hash, w []float32) {
	b := make([]byte, 0, 4*len(w))
	for _, v := range w {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	h.Write(b)
}

// digests returns the SHA-256 of every tensor as float32.
func digests(t *testing.T, m *weights.Model) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, name := range m.Tensors() {
		h := sha256.New()
		addFloats(h, floats(t, m, name))
		out[name] = hex.EncodeToString(h.Sum(nil))
	}
	return out
}

// TestTensorsMatchPublicLibraries compares every weight, bit by bit, with gguf.quants.dequantize
// and transformers.
func TestTensorsMatchPublicLibraries(t *testing.T) {
	for _, name := range []string{"tiny.gguf", "hf4", "hf5"} {
		t.Run(name, func(t *testing.T) {
			m := open(t, filepath.Join("testdata", name))
			if diff := cmp.Diff(golden[map[string]string](t, name), digests(t, m)); diff != "" {
				t.Errorf("tensors (-library +read):\n%s", diff)
			}
			if names := m.Tensors(); !slices.IsSorted(names) {
				t.Errorf("names are not sorted: %q", names)
			}
		})
	}
}

func TestConfigs(t *testing.T) {
	llama3 := &weights.RopeScaling{Type: "llama3", Factor: 8, LowFreqFactor: 1,
		HighFreqFactor: 4, OriginalContext: 8192}
	short := &weights.RopeScaling{Type: "llama3", Factor: 8, LowFreqFactor: 1,
		HighFreqFactor: 4, OriginalContext: 64}
	small := weights.Config{Arch: "llama", Layers: 1, Hidden: 32, Heads: 4, KVHeads: 2,
		HeadDim: 16, FFN: 48, Vocab: 24, Context: 128, NormEps: 1e-5, RopeTheta: 20000, BOS: 1}
	hf4, hf5 := small, small
	hf4.RopeScaling, hf4.EOS = short, []int32{2}
	hf4.RopeFactors = golden[[]float32](t, "hf4 rope factors")
	// config.json has 2 and 9, generation_config.json 5
	hf5.TieEmbeddings, hf5.EOS = true, []int32{2, 5, 9}
	for name, want := range map[string]weights.Config{
		"tiny.gguf": {Arch: "llama", Layers: 2, Hidden: 64, Heads: 4, KVHeads: 2, HeadDim: 16,
			FFN: 96, Vocab: 24, Context: 256, NormEps: 1e-5, RopeTheta: 500000, BOS: 1,
			EOS: []int32{3, 7}, RopeScaling: llama3,
			RopeFactors: golden[[]float32](t, "tiny.gguf rope factors")},
		"hf4": hf4, "hf5": hf5,
	} {
		m := open(t, filepath.Join("testdata", name))
		// transformers computes the factors in float32.
		near := cmp.Comparer(
			func(a, b float32) bool { return math.Abs(float64(a-b)) <= 2e-6*float64(a) })
		if diff := cmp.Diff(want, m.Config(), near, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want.EOS, m.EOS()); diff != "" {
			t.Errorf("%s EOS (-want +got):\n%s", name, diff)
		}
	}
}

func TestGGUFMetadata(t *testing.T) {
	m := open(t, "testdata/tiny.gguf")
	md := m.Metadata()
	for key, want := range map[string]int64{
		"test.uint8": 200, "test.int8": -100, "test.uint16": 60000, "test.int16": -30000,
		"test.int32": -5, "test.uint64": 1 << 40, "test.int64": -1 << 40,
	} {
		if got, ok := md.Int(key); !ok || got != want {
			t.Errorf("%s = %d, %v; want %d", key, got, ok, want)
		}
	}
	if v, ok := md.Float("test.float64"); !ok || v != 0.1 {
		t.Errorf("test.float64 = %v, %v", v, ok)
	}
	if v, ok := md.Bool("tokenizer.ggml.add_bos_token"); !ok || !v {
		t.Errorf("add_bos_token = %v, %v", v, ok)
	}
	if v, ok := md.Strings("tokenizer.ggml.tokens"); !ok || len(v) != 24 || v[23] != "t23" {
		t.Errorf("tokens = %q, %v", v, ok)
	}
	if v, ok := md.Ints("tokenizer.ggml.token_type"); !ok || len(v) != 24 || v[1] != 3 ||
		v[2] != 1 {
		t.Errorf("token types = %d, %v", v, ok)
	}
	if v, ok := md.String("test.uint8"); ok {
		t.Errorf("a number was read as the text %q", v)
	}
	if v, ok := md.Int("not.there"); ok {
		t.Errorf("a missing key was read as %d", v)
	}
	if got := m.ChatTemplate(); got != "{{ messages[0]['content'] }}" {
		t.Errorf("chat template %q", got)
	}
}

// TestGGUFVersion2 relies on versions 2 and 3 differing in byte order only.
func TestGGUFVersion2(t *testing.T) {
	file := readFile(t, "testdata/tiny.gguf")
	file[4] = 2
	m := open(t, writeTemp(t, "two.gguf", file))
	if diff := cmp.Diff(golden[map[string]string](t, "tiny.gguf"), digests(t, m)); diff != "" {
		t.Error(diff)
	}
}

func TestDigest(t *testing.T) {
	file := readFile(t, "testdata/tiny.gguf")
	sum := sha256.Sum256(file)
	got, err := open(t, "testdata/tiny.gguf").Digest()
	if want := hex.EncodeToString(sum[:]); err != nil || got != want {
		t.Errorf("digest of a file %s, %v; want its SHA-256 %s", got, err, want)
	}
	folder := copyFolder(t, "testdata/hf5")
	seen := make(map[string]string)
	for _, change := range []string{
		"", "generation_config.json", "tokenizer.json", "model.safetensors.index.json",
	} {
		if change != "" {
			path := filepath.Join(folder, change)
			text, err := os.ReadFile(path)
			if err != nil {
				text = []byte("{}")
			}
			if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := open(t, folder).Digest()
		if err != nil {
			t.Fatal(err)
		}
		if before, same := seen[sum]; same {
			t.Errorf("the digest after changing %q is that after changing %q", change, before)
		}
		seen[sum] = change
	}
}

// TestDemoModel reads the real model that the demo trains, all 134,515,008 weights, against
// transformers.
func TestDemoModel(t *testing.T) {
	const path = "../../third_party/models/SmolLM2-135M-Instruct.Q4_1.gguf"
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the demo model is not there: %v", err)
	}
	m := open(t, path)
	want := weights.Config{Arch: "llama", Layers: 30, Hidden: 576, Heads: 9, KVHeads: 3,
		HeadDim: 64, FFN: 1536, Vocab: 49152, Context: 8192, NormEps: 1e-5, RopeTheta: 100000,
		TieEmbeddings: true, BOS: 1, EOS: []int32{2}}
	if diff := cmp.Diff(want, m.Config(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	h, n := sha256.New(), 0
	for _, name := range m.Tensors() {
		w := floats(t, m, name)
		addFloats(h, w)
		n += len(w)
	}
	if n != 134515008 {
		t.Errorf("%d weights", n)
	}
	if got, want := hex.EncodeToString(h.Sum(nil)), golden[string](t, "demo"); got != want {
		t.Errorf("weights have SHA-256 %s, in transformers %s", got, want)
	}
}
