package weights_test

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oaif/oaif/oaif/weights"
)

// stFile returns a safetensors file with this header and n bytes of data.
func stFile(header string, n int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, n)...)
}

func TestCorruptSafetensors(t *testing.T) {
	entry := func(text string) []byte { return stFile(`{"a":{`+text+`}}`, 8) }
	two := func(first, second string) []byte {
		return stFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":`+first+
			`},"b":{"dtype":"F32","shape":[1],"data_offsets":`+second+`}}`, 8)
	}
	for _, c := range []struct {
		name string
		file []byte
		want []string
	}{
		{"short", []byte("1234567"), []string{"truncated"}},
		{"huge header", append([]byte{0, 0, 0, 0, 0, 0, 0, 0x80}, make([]byte, 100)...),
			[]string{"header", "limit"}},
		{"header past the end", append([]byte{200, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 100)...),
			[]string{"truncated"}},
		{"not JSON", stFile("garbage", 0), []string{"no JSON object"}},
		{"not UTF-8", stFile("{\"\xff\":1}", 0), []string{"UTF-8"}},
		{"cut JSON", stFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`, 4),
			[]string{"malformed"}},
		{"text after JSON", stFile(`{} x`, 0), []string{"corrupt"}},
		{"entry is a number", stFile(`{"a":1}`, 0), []string{`"a"`, "malformed entry"}},
		{"negative dimension", entry(`"dtype":"F32","shape":[-2],"data_offsets":[0,8]`),
			[]string{`"a"`, "malformed entry"}},
		{"F64", entry(`"dtype":"F64","shape":[1],"data_offsets":[0,8]`),
			[]string{`"a"`, `type "F64"`}},
		{"F8", entry(`"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]`),
			[]string{`"a"`, "F8_E4M3"}},
		{"a GGUF type", entry(`"dtype":"Q8_0","shape":[8],"data_offsets":[0,8]`),
			[]string{`"a"`, "Q8_0"}},
		{"no type", entry(`"shape":[2],"data_offsets":[0,8]`), []string{`"a"`, `type ""`}},
		{"no offsets", entry(`"dtype":"F32","shape":[2]`), []string{`"a"`, "offsets"}},
		{"three offsets", entry(`"dtype":"F32","shape":[2],"data_offsets":[0,8,9]`),
			[]string{`"a"`, "offsets"}},
		{"offsets descend", entry(`"dtype":"F32","shape":[2],"data_offsets":[8,0]`),
			[]string{`"a"`, "offsets"}},
		{"size", entry(`"dtype":"F16","shape":[2],"data_offsets":[0,8]`),
			[]string{`"a"`, "8 bytes, expected 4"}},
		{"shape overflows",
			entry(`"dtype":"F32","shape":[2147483647,2147483647,4],"data_offsets":[0,8]`),
			[]string{`"a"`, "absurd"}},
		{"past the end", entry(`"dtype":"F32","shape":[3],"data_offsets":[0,12]`),
			[]string{`"a"`, "truncated"}},
		{"rest", entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4]`),
			[]string{"4 bytes follow"}},
		{"overlap", two("[0,4]", "[2,6]"), []string{`"a" and "b" overlap`}},
		{"same place", two("[0,4]", "[0,4]"), []string{"overlap"}},
		{"gap", two("[0,4]", "[5,9]"), []string{"1 unused bytes", `"b"`}},
		{"twice", []byte(strings.Replace(string(two("[0,4]", "[4,8]")), `"b"`, `"a"`, 1)),
			[]string{`"a"`, "twice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := copyFolder(t, "testdata/hf4")
			path := filepath.Join(dir, "model.safetensors")
			overwrite(t, path, c.file)
			_, err := weights.Open(dir)
			wantDataError(t, err, path, c.want...)
		})
	}
}

func TestNonFiniteHFWeights(t *testing.T) {
	dir := copyFolder(t, "testdata/hf4")
	path := filepath.Join(dir, "model.safetensors")
	file := readFile(t, path)
	// infinity as F16, the last weight of the last tensor
	binary.LittleEndian.PutUint16(file[len(file)-2:], 0x7c00)
	overwrite(t, path, file)
	wantDataError(t, readAll(t, dir), path, `"model.norm.weight"`, "+Inf", "column 31")
}
