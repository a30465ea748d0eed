package weights

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestFloat16 compares all finite halves with numpy's, and checks that the others stay non-finite.
func TestFloat16(t *testing.T) {
	h := sha256.New()
	for i := range 1 << 16 {
		v := float16(uint16(i))
		if i&0x7c00 == 0x7c00 {
			wide, isNaN := float64(v), i&0x3ff != 0
			if math.IsNaN(wide) != isNaN || math.IsInf(wide, 0) == isNaN {
				t.Errorf("half %#x became %v", i, v)
			}
			continue
		}
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Want string `json:"finite halves"`
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != golden.Want {
		t.Errorf("SHA-256 %s, numpy's %s", got, golden.Want)
	}
}

func TestFirstNonFinite(t *testing.T) {
	w := []float32{0, float32(math.Copysign(0, -1)), math.MaxFloat32, -math.MaxFloat32,
		math.SmallestNonzeroFloat32}
	if i := firstNonFinite(w); i != -1 {
		t.Errorf("finite weights: %d", i)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if i := firstNonFinite(append(w, float32(bad))); i != len(w) {
			t.Errorf("%v found at %d", bad, i)
		}
	}
}
