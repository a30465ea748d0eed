package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"slices"
)

// writeSafetensors writes all tensors as F32, by ascending name as the format's own library orders
// equal types. Error lines name dir, the folder that the file will be part of.
func writeSafetensors(dir, path string, tensors []Source) error {
	sorted := slices.Clone(tensors)
	slices.SortFunc(sorted, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	header, largest, err := safetensorsHeader(sorted)
	if err != nil {
		return err
	}
	return createFile(path, func(f *os.File) error {
		if _, err := f.Write(header); err != nil {
			return err
		}
		buffer := make([]float32, largest)
		block := make([]byte, 0, 1<<20)
		for _, t := range sorted {
			w := buffer[:size(t.Shape)]
			if err := t.Fill(w); err != nil {
				return err
			}
			if i := firstNonFinite(w); i >= 0 {
				return dataError(dir, "cannot be written: tensor %q holds %v at index %d",
					t.Name, w[i], i)
			}
			if err := writeFloats(f, w, block); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeFloats writes w little-endian through the empty slice block.
func writeFloats(f *os.File, w []float32, block []byte) error {
	for len(w) > 0 {
		n := min(len(w), cap(block)/4)
		for _, v := range w[:n] {
			block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v))
		}
		if _, err := f.Write(block); err != nil {
			return err
		}
		w, block = w[n:], block[:0]
	}
	return nil
}

// safetensorsHeader returns the length and the JSON, padded with spaces to a multiple of 8, and the
// largest number of weights of a tensor.
func safetensorsHeader(sorted []Source) (header []byte, largest int, err error) {
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	text := bytes.NewBufferString(`{"__metadata__":{"format":"pt"}`)
	at := 0
	for _, t := range sorted {
		n := size(t.Shape)
		largest = max(largest, n)
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, 0, err
		}
		value, err := json.Marshal(entry{string(F32), t.Shape, [2]int{at, at + 4*n}})
		if err != nil {
			return nil, 0, err
		}
		text.WriteByte(',')
		text.Write(name)
		text.WriteByte(':')
		text.Write(value)
		at += 4 * n
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 {
		text.WriteByte(' ')
	}
	header = binary.LittleEndian.AppendUint64(nil, uint64(text.Len()))
	return append(header, text.Bytes()...), largest, nil
}

// size returns the number of weights of a shape.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
