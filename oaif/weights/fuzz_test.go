package weights

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif"
)

// readMemory opens a GGUF or safetensors file that lies in memory and converts all its tensors. It
// fails the test unless every error is a data error of one line; a panic fails it anyway.
func readMemory(t *testing.T, data []byte, gguf bool) {
	t.Helper()
	m := &mapping{path: "file", data: data}
	var tensors map[string]Tensor
	var err error
	if gguf {
		var model *Model
		if model, err = openGGUF(m); err == nil {
			tensors = model.tensors
		}
	} else {
		tensors, err = parseSafetensors(m)
	}
	checkLine(t, err)
	for _, tensor := range tensors {
		if tensor.Len() > 0 {
			checkLine(t, tensor.Float32(make([]float32, tensor.Len())))
		}
	}
}

func checkLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && (!errors.Is(err, oaif.ErrData) || strings.ContainsAny(err.Error(), "\n\r")) {
		t.Errorf("not a data error of one line: %q", err)
	}
}

func seedFiles(t testing.TB) (gguf, safetensors []byte) {
	t.Helper()
	gguf, err := os.ReadFile("testdata/tiny.gguf")
	if err != nil {
		t.Fatal(err)
	}
	safetensors, err = os.ReadFile("testdata/hf5/model-00003-of-00003.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return gguf, safetensors
}

// TestDamageNeverPanics flips one bit of every byte of the fronts, and of some behind them, and
// cuts the files everywhere in the fronts.
func TestDamageNeverPanics(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	gguf, safetensors := seedFiles(t)
	for _, f := range []struct {
		gguf        bool
		data        []byte
		front, step int
	}{{true, gguf, 4000, 997}, {false, safetensors, 1200, 97}} {
		for at := 0; at < len(f.data); at++ {
			if at >= f.front {
				at += f.step
			}
			if at >= len(f.data) {
				break
			}
			bit := byte(1) << rng.IntN(8)
			f.data[at] ^= bit
			readMemory(t, f.data, f.gguf)
			f.data[at] ^= bit
			readMemory(t, f.data[:at:at], f.gguf)
		}
		readMemory(t, f.data, f.gguf)
	}
}

// TestTruncationIsRefused: a file cut anywhere is refused when it is opened, not when a tensor is
// read.
func TestTruncationIsRefused(t *testing.T) {
	gguf, safetensors := seedFiles(t)
	for at := len(gguf) - 1; at > 0; at -= 613 {
		if _, err := openGGUF(&mapping{path: "file", data: gguf[:at]}); err == nil {
			t.Errorf("GGUF cut at byte %d of %d was opened", at, len(gguf))
		}
	}
	for at := range safetensors {
		if _, err := parseSafetensors(&mapping{path: "file", data: safetensors[:at]}); err == nil {
			t.Errorf("safetensors cut at byte %d of %d was opened", at, len(safetensors))
		}
	}
}

func FuzzGGUF(f *testing.F) {
	gguf, _ := seedFiles(f)
	f.Add(gguf)
	f.Add(gguf[:100])
	f.Fuzz(func(t *testing.T, data []byte) { readMemory(t, data, true) })
}

func FuzzSafetensors(f *testing.F) {
	_, safetensors := seedFiles(f)
	f.Add(safetensors)
	f.Add([]byte("\x40\x00\x00\x00\x00\x00\x00\x00" +
		`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}          `))
	f.Fuzz(func(t *testing.T, data []byte) { readMemory(t, data, false) })
}
