package weights

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/fuzztest"
)

// readMemory opens a GGUF or safetensors file that lies in memory and converts all its tensors. It
// fails the test unless every error is a data error of one line; a panic fails it anyway.
func readMemory(t *testing.T, data []byte, gguf bool) {
	t.Helper()
	m := &mapping{path: "file", data: data}
	var tensors map[string]Tensor
	var err error
	fuzztest.Memory(t, len(data), 256, func() {
		if !gguf {
			tensors, err = parseSafetensors(m)
			return
		}
		var model *Model
		if model, err = openGGUF(m); err == nil {
			tensors = model.tensors
		}
	})
	fuzztest.OneLine(t, err, oaif.ErrData)
	checkExtents(t, tensors, len(data))
	for _, tensor := range tensors {
		if tensor.Len() > 0 {
			err := tensor.Float32(make([]float32, tensor.Len()))
			fuzztest.OneLine(t, err, oaif.ErrData)
		}
	}
}

// checkExtents: tensors lie in the file and share no bytes, so none is larger than the file.
func checkExtents(t *testing.T, tensors map[string]Tensor, length int) {
	t.Helper()
	all := slices.SortedFunc(maps.Values(tensors), func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.Len(), b.Len()))
	})
	end := 0
	for _, tensor := range all {
		f := formats[tensor.DType]
		if tensor.offset < end || tensor.Len()%f.block != 0 {
			t.Errorf("tensor %q begins at byte %d, before %d", tensor.fileName, tensor.offset, end)
		}
		end = tensor.offset + tensor.Len()/f.block*f.size
	}
	if end > length {
		t.Errorf("a tensor ends at byte %d of %d", end, length)
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

// FuzzGGUF: a file is refused in one line, or its tensors lie in it and can be read.
func FuzzGGUF(f *testing.F) {
	gguf, _ := seedFiles(f)
	f.Add(gguf)
	f.Add(gguf[:100])
	f.Add(gguf[:4000])
	// One array of a length that only the file's end contradicts.
	f.Add([]byte("GGUF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00k" +
		"\x09\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) { readMemory(t, data, true) })
}

// FuzzSafetensors: a file is refused in one line, or its tensors fill what follows the header.
func FuzzSafetensors(f *testing.F) {
	_, safetensors := seedFiles(f)
	f.Add(safetensors)
	for _, header := range []string{
		`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, `{"__metadata__":{"a":"b"}}`,
		`{"a\nb":{"dtype":"F16","shape":[2,0,4294967296],"data_offsets":[0,0]}}`,
		`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, `{"a":{"dtype":"x\ny"}}`,
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":null}`,
	} {
		text := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		f.Add(append(text, header+"\x00\x00\x80\x3f"...))
	}
	f.Fuzz(func(t *testing.T, data []byte) { readMemory(t, data, false) })
}
