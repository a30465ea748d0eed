package weights

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// ggufFile is a parsed GGUF file: every tensor's bytes are known to lie in the file and to overlap
// no other's.
type ggufFile struct {
	md      *GGUFMetadata
	tensors map[string]Tensor // by GGUF name; Name is not set yet
}

// parseGGUF reads the front of a mapped file.
func parseGGUF(m *mapping) (*ggufFile, error) {
	c := &cursor{path: m.path, data: m.data}
	tensors, pairs := ggufHeader(c)
	md := ggufPairs(c, pairs)
	infos := make([]ggufInfo, 0, tensors)
	for range tensors {
		infos = append(infos, ggufTensorInfo(c))
		if c.err != nil {
			return nil, c.err
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	align, err := ggufAlignment(m.path, md)
	if err != nil {
		return nil, err
	}
	start := (c.off + align - 1) &^ (align - 1)
	if err := ggufCheckExtents(m, infos, start, align); err != nil {
		return nil, err
	}
	f := &ggufFile{md: md, tensors: make(map[string]Tensor, len(infos))}
	for _, i := range infos {
		if _, twice := f.tensors[i.name]; twice {
			return nil, dataError(m.path, "tensor %q is listed twice", i.name)
		}
		f.tensors[i.name] = Tensor{Shape: i.shape, DType: i.dtype, file: m, fileName: i.name,
			offset: start + i.offset}
	}
	return f, nil
}

// ggufHeader returns the numbers of tensors and of metadata pairs.
func ggufHeader(c *cursor) (tensors, pairs int) {
	if magic := c.take(4, "the GGUF header"); c.err == nil && string(magic) != "GGUF" {
		c.fail("is not a GGUF file (it does not start with \"GGUF\")")
	}
	version := c.u32("the GGUF header")
	switch {
	case c.err != nil:
		return 0, 0
	case version&0xffff == 0 && version != 0:
		c.fail("is a big-endian GGUF file (version %d), which is not supported",
			bits.ReverseBytes32(version))
	case version == 1:
		c.fail("is a GGUF file of version 1, which is not supported (2 and 3 are); convert it anew")
	case version != 2 && version != 3:
		c.fail("is a GGUF file of version %d, which is not supported (2 and 3 are)", version)
	}
	tensors = c.count(8+4+8+4+8, "the number of tensors")
	pairs = c.count(8+4+1, "the number of metadata pairs")
	return tensors, pairs
}

func ggufPairs(c *cursor, n int) *GGUFMetadata {
	md := &GGUFMetadata{values: make(map[string]any, n)}
	for range n {
		key := c.str("a metadata key")
		kind := c.u32("the type of a metadata value")
		if c.err != nil {
			break
		}
		if len(key) > math.MaxUint16 {
			c.fail("is corrupt: a metadata key of %d bytes", len(key))
			break
		}
		if _, twice := md.values[key]; twice {
			c.fail("metadata key %q is there twice", key)
		}
		md.values[key] = c.value(kind, "metadata key "+quote(key))
		if c.err != nil {
			break
		}
	}
	return md
}

// ggufInfo is one tensor's entry; offset counts from the start of the data.
type ggufInfo struct {
	name         string
	shape        []int
	dtype        DType
	offset, size int
}

func ggufTensorInfo(c *cursor) ggufInfo {
	name := c.str("a tensor's name")
	if len(name) > math.MaxUint16 {
		c.fail("is corrupt: a tensor name of %d bytes", len(name))
	}
	if c.err != nil {
		return ggufInfo{}
	}
	what := "the entry of tensor " + quote(name)
	rank := c.u32(what)
	if c.err == nil && (rank < 1 || rank > 4) {
		c.fail("tensor %q has %d dimensions, expected 1 to 4", name, rank)
		return ggufInfo{}
	}
	dims := make([]uint64, rank)
	for i := range dims {
		dims[i] = c.u64(what)
	}
	number := c.u32(what)
	offset := c.u64(what)
	if c.err != nil {
		return ggufInfo{}
	}
	info := ggufInfo{name: name}
	info.describe(c, dims, number)
	if offset > uint64(len(c.data)) {
		c.fail(
			"is truncated or corrupt: tensor %q starts past the file's end (byte %d of the data)",
			name, offset)
		return ggufInfo{}
	}
	info.offset = int(offset)
	return info
}

// describe sets type, shape (outermost dimension first, where GGUF has it last) and size.
func (i *ggufInfo) describe(c *cursor, dims []uint64, number uint32) {
	var known bool
	if i.dtype, known = ggufTypes[number]; !known {
		c.fail("tensor %q has type number %d, which is not supported", i.name, number)
		return
	}
	f := formats[i.dtype]
	if !i.dtype.readable() {
		c.fail(
			"tensor %q has type %s, which is not supported (F32, F16, BF16, Q8_0, Q4_0, Q4_1 are)",
			i.name, i.dtype)
		return
	}
	limit := uint64(len(c.data)) * 2 // no type read here holds more than two weights a byte
	n := uint64(1)
	for _, d := range dims {
		if d == 0 || d > limit/n {
			c.fail("is truncated or corrupt: tensor %q has dimensions %d, "+
				"more than the file has room for", i.name, dims)
			return
		}
		n *= d
	}
	if dims[0]%uint64(f.block) != 0 {
		c.fail("tensor %q has rows of %d weights, not a multiple of the block of %s (%d)",
			i.name, dims[0], i.dtype, f.block)
		return
	}
	for k := len(dims) - 1; k >= 0; k-- {
		i.shape = append(i.shape, int(dims[k]))
	}
	i.size = int(n) / f.block * f.size
}

// ggufAlignment returns the power of two at whose multiples the data and each tensor in it start.
func ggufAlignment(path string, md *GGUFMetadata) (int, error) {
	v, there := md.values["general.alignment"]
	if !there {
		return 32, nil
	}
	align, ok := v.(int64)
	if !ok || align < 1 || align > 1<<20 || align&(align-1) != 0 {
		return 0, dataError(path, "general.alignment is not a power of two up to %d", 1<<20)
	}
	return int(align), nil
}

// ggufCheckExtents refuses tensors that reach past the file's end, share bytes or are not aligned.
func ggufCheckExtents(m *mapping, infos []ggufInfo, start, align int) error {
	sorted := slices.Clone(infos)
	slices.SortStableFunc(sorted,
		func(a, b ggufInfo) int { return cmp.Compare(a.offset, b.offset) })
	end, last := 0, ""
	for _, i := range sorted {
		if i.offset%align != 0 {
			return dataError(m.path,
				"is corrupt: tensor %q starts at byte %d of the data, not a multiple of %d",
				i.name, i.offset, align)
		}
		if i.offset < end {
			return dataError(m.path, "is corrupt: tensors %q and %q overlap", last, i.name)
		}
		if end, last = i.offset+i.size, i.name; end > len(m.data)-start {
			return dataError(m.path, "is truncated: tensor %q ends at byte %d, the file has %d",
				i.name, start+end, len(m.data))
		}
	}
	return nil
}
