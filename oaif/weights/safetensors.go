package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"slices"
	"unicode/utf8"
)

// maxHeader is the most bytes of a safetensors header, as in the format's own library.
const maxHeader = 100_000_000

// stEntry is one tensor's entry in the header.
type stEntry struct {
	name    string
	DType   string   `json:"dtype"`
	Shape   []uint64 `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // start and end within the data
}

// parseSafetensors reads the header of a mapped file. The tensors are known to fill the data
// without gap or overlap.
func parseSafetensors(m *mapping) (map[string]Tensor, error) {
	if len(m.data) < 8 {
		return nil, dataError(m.path, "is truncated: %d bytes are no safetensors file", len(m.data))
	}
	n := binary.LittleEndian.Uint64(m.data)
	if n > maxHeader {
		return nil, dataError(m.path,
			"is not a safetensors file or corrupt: a header of %d bytes, the limit is %d",
			n, maxHeader)
	}
	if n > uint64(len(m.data)-8) {
		return nil, dataError(m.path, "is truncated: the header has %d bytes, the file %d",
			n, len(m.data))
	}
	entries, err := stHeader(m.path, m.data[8:8+n])
	if err != nil {
		return nil, err
	}
	start := 8 + int(n)
	if err := stCheckExtents(m.path, entries, uint64(len(m.data)-start)); err != nil {
		return nil, err
	}
	out := make(map[string]Tensor, len(entries))
	for _, e := range entries {
		if _, twice := out[e.name]; twice {
			return nil, dataError(m.path, "tensor %q is listed twice", e.name)
		}
		shape := make([]int, len(e.Shape))
		for i, d := range e.Shape {
			shape[i] = int(d)
		}
		out[e.name] = Tensor{Shape: shape, DType: DType(e.DType), file: m, fileName: e.name,
			offset: start + int(e.Offsets[0])}
	}
	return out, nil
}

// stHeader reads the entries one by one, so that a name that is there twice is seen.
func stHeader(path string, header []byte) ([]stEntry, error) {
	const badHeader = "is not a safetensors file or corrupt: the header is "
	if !utf8.Valid(header) {
		return nil, dataError(path, badHeader+"not UTF-8")
	}
	malformed := func(err error) error { return dataError(path, badHeader+"malformed: %v", err) }
	d := json.NewDecoder(bytes.NewReader(header))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, dataError(path, badHeader+"no JSON object")
	}
	var entries []stEntry
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, malformed(err)
		}
		e := stEntry{name: name.(string)} // the decoder allows nothing else here
		if e.name == "__metadata__" {
			var ignored json.RawMessage
			if err := d.Decode(&ignored); err != nil {
				return nil, malformed(err)
			}
			continue
		}
		if err := d.Decode(&e); err != nil {
			return nil, dataError(path, "tensor %q has a malformed entry: %v", e.name, err)
		}
		if err := e.check(path); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, dataError(path, "is corrupt: text follows the header's JSON object")
	}
	return entries, nil
}

// check refuses types that are not read, and a size that does not follow from type and shape.
func (e *stEntry) check(path string) error {
	f, ok := formats[DType(e.DType)]
	if !ok || f.block != 1 {
		return dataError(path,
			"tensor %q has type %q, which is not supported (F32, F16 and BF16 are)",
			e.name, e.DType)
	}
	if len(e.Offsets) != 2 || e.Offsets[0] > e.Offsets[1] || e.Offsets[1] > math.MaxInt64 {
		return dataError(path, "tensor %q has offsets %d, expected a start and an end",
			e.name, e.Offsets)
	}
	n := uint64(1)
	for _, d := range e.Shape {
		if d != 0 && n > math.MaxInt64/8/d || d > math.MaxInt32 {
			return dataError(path, "tensor %q has shape %d, which is absurd", e.name, e.Shape)
		}
		n *= d
	}
	if size := e.Offsets[1] - e.Offsets[0]; size != n*uint64(f.size) {
		return dataError(path, "tensor %q of shape %d and type %s has %d bytes, expected %d",
			e.name, e.Shape, e.DType, size, n*uint64(f.size))
	}
	return nil
}

// stCheckExtents refuses tensors that overlap, leave a gap, or do not end where the file ends.
func stCheckExtents(path string, entries []stEntry, size uint64) error {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b stEntry) int {
		return cmp.Or(cmp.Compare(a.Offsets[0], b.Offsets[0]),
			cmp.Compare(a.Offsets[1], b.Offsets[1]))
	})
	end, last := uint64(0), ""
	for _, e := range sorted {
		switch {
		case e.Offsets[0] < end:
			return dataError(path, "is corrupt: tensors %q and %q overlap", last, e.name)
		case e.Offsets[0] > end:
			return dataError(path, "is corrupt: %d unused bytes before tensor %q",
				e.Offsets[0]-end, e.name)
		case e.Offsets[1] > size:
			return dataError(path,
				"is truncated: tensor %q ends at byte %d of the data, the file holds %d of it",
				e.name, e.Offsets[1], size)
		}
		end, last = e.Offsets[1], e.name
	}
	if end != size {
		return dataError(path, "is corrupt: %d bytes follow the last tensor", size-end)
	}
	return nil
}
