package weights

import (
	"encoding/binary"
	"math"
)

// cursor reads little-endian values from the front of a file. The first fault sticks: later reads
// give zeros.
type cursor struct {
	path string
	data []byte
	off  int
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = dataError(c.path, format, args...)
	}
}

// take returns the next n bytes, nil after a fault. what names the value in the error line.
func (c *cursor) take(n uint64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.data)-c.off) {
		c.fail("is truncated or corrupt: the file ends within %s (byte %d of %d)",
			what, c.off, len(c.data))
		return nil
	}
	b := c.data[c.off : c.off+int(n)]
	c.off += int(n)
	return b
}

func (c *cursor) u32(what string) uint32 {
	if b := c.take(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64(what string) uint64 {
	if b := c.take(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// str copies a string out of the file: a length of 64 bits and its bytes.
func (c *cursor) str(what string) string {
	return string(c.take(c.u64(what), what))
}

// count reads a number of items that take at least size bytes each, and refuses more than the file
// can hold.
func (c *cursor) count(size int, what string) int {
	n := c.u64(what)
	if n > uint64(len(c.data)-c.off)/uint64(size) {
		c.fail("is truncated or corrupt: %s is %d, more than the file has room for", what, n)
		return 0
	}
	return int(n)
}

// The value types of GGUF metadata.
const (
	ggufU8 uint32 = iota
	ggufI8
	ggufU16
	ggufI16
	ggufU32
	ggufI32
	ggufF32
	ggufBool
	ggufString
	ggufArray
	ggufU64
	ggufI64
	ggufF64
)

// ggufSizes are the sizes of the value types in bytes, the smallest one for strings; arrays have
// none.
var ggufSizes = map[uint32]int{
	ggufU8: 1, ggufI8: 1, ggufU16: 2, ggufI16: 2, ggufU32: 4, ggufI32: 4, ggufF32: 4,
	ggufBool: 1, ggufString: 8, ggufU64: 8, ggufI64: 8, ggufF64: 8,
}

// value reads one metadata value as int64, float64, bool or string, or a slice of one of these.
func (c *cursor) value(kind uint32, what string) any {
	if kind != ggufArray {
		return c.scalar(kind, what)
	}
	item := c.u32(what)
	size, ok := ggufSizes[item]
	if !ok {
		c.fail("%s is an array of type number %d, which is not supported", what, item)
		return nil
	}
	n := c.count(size, "the length of "+what)
	switch item {
	case ggufString:
		return readItems[string](c, n, item, what)
	case ggufBool:
		return readItems[bool](c, n, item, what)
	case ggufF32, ggufF64:
		return readItems[float64](c, n, item, what)
	}
	return readItems[int64](c, n, item, what)
}

func readItems[T any](c *cursor, n int, kind uint32, what string) []T {
	out := make([]T, 0, n)
	for range n {
		v, ok := c.scalar(kind, what).(T)
		if !ok || c.err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

func (c *cursor) scalar(kind uint32, what string) any {
	if kind == ggufString {
		return c.str(what)
	}
	size, ok := ggufSizes[kind]
	if !ok {
		c.fail("%s has type number %d, which no GGUF version has", what, kind)
		return nil
	}
	b := c.take(uint64(size), what)
	if b == nil {
		return nil
	}
	return c.number(kind, b, what)
}

// number decodes b, which has the size of kind.
func (c *cursor) number(kind uint32, b []byte, what string) any {
	le := binary.LittleEndian
	switch kind {
	case ggufU8:
		return int64(b[0])
	case ggufI8:
		return int64(int8(b[0]))
	case ggufU16:
		return int64(le.Uint16(b))
	case ggufI16:
		return int64(int16(le.Uint16(b)))
	case ggufU32:
		return int64(le.Uint32(b))
	case ggufI32:
		return int64(int32(le.Uint32(b)))
	case ggufF32:
		return float64(math.Float32frombits(le.Uint32(b)))
	case ggufF64:
		return math.Float64frombits(le.Uint64(b))
	case ggufI64:
		return int64(le.Uint64(b))
	case ggufU64:
		if v := le.Uint64(b); v <= math.MaxInt64 {
			return int64(v)
		}
		c.fail("%s is larger than 2^63-1", what)
		return nil
	}
	if b[0] > 1 { // a bool
		c.fail("%s is neither true nor false (byte %d)", what, b[0])
	}
	return b[0] == 1
}
