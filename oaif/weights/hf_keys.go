package weights

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
)

// maxJSON is the most bytes of a settings file that are read; real ones have a few thousand.
const maxJSON = 64 << 20

// hfKeys reads settings from one object of a JSON file. The first fault sticks.
type hfKeys struct {
	path string
	raw  map[string]json.RawMessage
	seen map[string]bool // the keys that were asked for
	err  error
}

// readJSON reads a file that holds one JSON object.
func readJSON(path string) (*hfKeys, error) {
	k := &hfKeys{path: path}
	return k, readJSONInto(path, &k.raw)
}

func readJSONInto(path string, object any) error {
	info, err := os.Stat(path)
	if err != nil {
		return dataError(path, "cannot be opened: %v", cause(err))
	}
	if info.Size() > maxJSON {
		return dataError(path, "has %d bytes, the limit is %d", info.Size(), maxJSON)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return dataError(path, "cannot be read: %v", cause(err))
	}
	if err := json.Unmarshal(text, object); err != nil {
		return dataError(path, "is not the JSON object that was expected: %v", err)
	}
	return nil
}

// readJSONIfThere is readJSON for a file that may be missing; then the object is empty.
func readJSONIfThere(path string) (*hfKeys, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return &hfKeys{path: path}, nil
	}
	return readJSON(path)
}

func (k *hfKeys) fail(format string, args ...any) {
	if k.err == nil {
		k.err = dataError(k.path, format, args...)
	}
}

// refuse says that the value of key asks for something that is not built.
func (k *hfKeys) refuse(key string, value any) { k.fail("%s = %v is not supported", key, value) }

// adopt takes over the fault of an object within this one.
func (k *hfKeys) adopt(inner *hfKeys) { k.err = cmp.Or(k.err, inner.err) }

// there reports whether key is there; null may be under it.
func (k *hfKeys) there(key string) bool {
	_, ok := k.raw[key]
	return ok
}

// has reports whether key is there and not null.
func (k *hfKeys) has(key string) bool {
	if k.seen == nil {
		k.seen = make(map[string]bool)
	}
	k.seen[key] = true
	raw, ok := k.raw[key]
	return ok && string(raw) != "null"
}

// read fills value when key is there and not null, and reports whether it was.
func (k *hfKeys) read(key string, value any, expected string) bool {
	if !k.has(key) {
		return false
	}
	if err := json.Unmarshal(k.raw[key], value); err != nil {
		k.fail("%s is not %s", key, expected)
		return false
	}
	return true
}

func (k *hfKeys) int(key string) int {
	if !k.has(key) {
		k.fail("%s is missing", key)
	}
	return k.intOr(key, 0)
}

func (k *hfKeys) intOr(key string, missing int) int {
	v := missing
	k.read(key, &v, "an integer")
	return v
}

func (k *hfKeys) float(key string) float64 {
	if !k.has(key) {
		k.fail("%s is missing", key)
	}
	return k.floatOr(key, 0)
}

func (k *hfKeys) floatOr(key string, missing float64) float64 {
	v := missing
	k.read(key, &v, "a number")
	return v
}

func (k *hfKeys) boolOr(key string, missing bool) bool {
	v := missing
	k.read(key, &v, "true or false")
	return v
}

func (k *hfKeys) stringOr(key, missing string) string {
	v := missing
	k.read(key, &v, "a text")
	return v
}

// object returns the object under key, nil when there is none. Names in error lines are key.name.
func (k *hfKeys) object(key string) *hfKeys {
	o := &hfKeys{path: k.path + ": " + key}
	if !k.read(key, &o.raw, "an object") {
		return nil
	}
	return o
}

// ids returns the token ids under key, which may be one or a list.
func (k *hfKeys) ids(key string) []int32 {
	var list []int64
	var one int64
	switch {
	case !k.has(key):
		return nil
	case json.Unmarshal(k.raw[key], &one) == nil:
		list = []int64{one}
	case !k.read(key, &list, "a token id or a list of token ids"):
		return nil
	}
	out := make([]int32, len(list))
	for i, id := range list {
		if id < 0 || id > math.MaxInt32 {
			k.fail("%s: %d is not a token id", key, id)
			return nil
		}
		out[i] = int32(id)
	}
	return out
}
