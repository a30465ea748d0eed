package weights

import (
	"sort"
	"strconv"
)

// GGUFMetadata are the key-value pairs of a GGUF file. It is safe for concurrent use and stays
// valid after the model is closed. The slices that it returns are shared and must not be modified.
type GGUFMetadata struct {
	values map[string]any // int64, float64, bool, string or a slice of one of them
}

// String returns the text under key, false when there is none or it is of another type.
func (m *GGUFMetadata) String(key string) (string, bool) { return lookup[string](m, key) }

// Strings returns the array of texts under key, false when there is none or it is of another type.
func (m *GGUFMetadata) Strings(key string) ([]string, bool) { return lookup[[]string](m, key) }

// Int returns the integer of any width under key, false when there is none or it is of another
// type.
func (m *GGUFMetadata) Int(key string) (int64, bool) { return lookup[int64](m, key) }

// Ints returns the array of integers of any width under key, false when there is none or it is of
// another type.
func (m *GGUFMetadata) Ints(key string) ([]int64, bool) { return lookup[[]int64](m, key) }

// Float returns the floating-point number under key, false when there is none or it is of another
// type.
func (m *GGUFMetadata) Float(key string) (float64, bool) { return lookup[float64](m, key) }

// Floats returns the array of floating-point numbers under key, false when there is none or it is
// of another type.
func (m *GGUFMetadata) Floats(key string) ([]float64, bool) { return lookup[[]float64](m, key) }

// Bool returns the truth value under key, false as the second result when there is none or it is of
// another type.
func (m *GGUFMetadata) Bool(key string) (value, ok bool) { return lookup[bool](m, key) }

func lookup[T any](m *GGUFMetadata, key string) (T, bool) {
	v, ok := m.values[key].(T)
	return v, ok
}

// ggufKeys reads settings from metadata for a family. The first fault sticks.
type ggufKeys struct {
	path    string
	md      *GGUFMetadata
	tensors map[string]Tensor
	seen    map[string]bool // the keys that were asked for
	err     error
}

// get returns the value under key, nil if there is none.
func (k *ggufKeys) get(key string) any {
	k.seen[key] = true
	return k.md.values[key]
}

// tensor reports whether the file has a tensor with that name.
func (k *ggufKeys) tensor(name string) bool {
	_, ok := k.tensors[name]
	return ok
}

func (k *ggufKeys) fail(format string, args ...any) {
	if k.err == nil {
		k.err = dataError(k.path, format, args...)
	}
}

// refuse says that the value of key asks for something that is not built.
func (k *ggufKeys) refuse(key string, value any) { k.fail("%s = %v is not supported", key, value) }

func (k *ggufKeys) int(key string) int {
	if k.get(key) == nil {
		k.fail("metadata key %s is missing", key)
		return 0
	}
	return k.intOr(key, 0)
}

// intOr also takes an array of equal numbers, as files with a value per layer have.
func (k *ggufKeys) intOr(key string, missing int) int {
	switch v := k.get(key).(type) {
	case nil:
		return missing
	case int64:
		return int(v)
	case []int64:
		for _, x := range v {
			if x != v[0] {
				k.fail("%s differs between layers, which is not supported", key)
				return missing
			}
		}
		if len(v) > 0 {
			return int(v[0])
		}
	}
	k.fail("metadata key %s is not an integer", key)
	return missing
}

func (k *ggufKeys) float(key string) float64 {
	if k.get(key) == nil {
		k.fail("metadata key %s is missing", key)
		return 0
	}
	return k.floatOr(key, 0)
}

// floatOr gives a 32-bit value as the decimal that it was written from: 1e-5, not
// 9.999999747378752e-6.
func (k *ggufKeys) floatOr(key string, missing float64) float64 {
	switch v := k.get(key).(type) {
	case nil:
		return missing
	case float64:
		if float64(float32(v)) == v {
			v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', -1, 32), 64) // cannot fail
		}
		return v
	}
	k.fail("metadata key %s is not a floating-point number", key)
	return missing
}

func (k *ggufKeys) stringOr(key, missing string) string {
	switch v := k.get(key).(type) {
	case nil:
		return missing
	case string:
		return v
	}
	k.fail("metadata key %s is not a text", key)
	return missing
}

// require refuses a file in which key is there with another value than want.
func (k *ggufKeys) require(key string, want int) {
	if got := k.intOr(key, want); got != want {
		k.fail("%s = %d is not supported (only %d)", key, got, want)
	}
}

// requireFloat is require for a floating-point number.
func (k *ggufKeys) requireFloat(key string, want float64) {
	if got := k.floatOr(key, want); got != want {
		k.fail("%s = %v is not supported (only %v)", key, got, want)
	}
}

// sortedKeys returns the keys of m in ascending order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
