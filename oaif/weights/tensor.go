package weights

import (
	"fmt"
	"runtime"
	"sync"
)

// Tensor is one named tensor of an open Model. Its weights stay in the mapped file until Float32 is
// called. It is a small value, safe for concurrent use.
type Tensor struct {
	// Name is the Hugging Face name, such as "model.layers.0.self_attn.q_proj.weight".
	Name string
	// Shape has one or two dimensions, rows first: a projection is [out, in].
	Shape []int
	// DType is how the file stores the weights.
	DType DType

	file     *mapping
	fileName string // the name in the file, for error lines
	offset   int    // of the first byte in the file
	// rotaryHeads is not 0 when the file interleaves the two halves of each head's rows, as GGUF
	// does for q and k of architecture llama.
	rotaryHeads int
	// minus is subtracted from what the file holds, as llama.cpp stores Gemma's norms.
	minus float32
}

// chunk is the number of weights that are worth a goroutine.
const chunk = 1 << 16

// Len returns the number of weights.
func (t Tensor) Len() int { return size(t.Shape) }

// Float32 converts all weights into dst, row-major, in the Hugging Face layout of rows. len(dst)
// must be t.Len(). A NaN or an infinity is an oaif.DataError that names the tensor; dst then holds
// unspecified values. The result does not depend on the number of processors.
func (t Tensor) Float32(dst []float32) error {
	if len(dst) != t.Len() {
		return fmt.Errorf("weights: %s has %d weights, the buffer %d", t.Name, t.Len(), len(dst))
	}
	if t.file == nil {
		return fmt.Errorf("weights: a tensor that comes from no model")
	}
	if !t.DType.readable() {
		return dataError(t.file.path, "tensor %q has type %s, which is not supported", t.fileName,
			t.DType)
	}
	t.file.mu.RLock()
	defer t.file.mu.RUnlock()
	if t.file.data == nil {
		return fmt.Errorf("weights: %s: the model is closed", t.file.path)
	}
	rows := 1
	if len(t.Shape) > 1 || t.rotaryHeads != 0 {
		rows = t.Shape[0]
	}
	workers := min(runtime.GOMAXPROCS(0), rows, len(dst)/chunk+1)
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			errs[i] = t.file.guard(func() error {
				return t.convertRows(dst, rows*i/workers, rows*(i+1)/workers, rows)
			})
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the lowest row's, whatever the number of workers
		}
	}
	return nil
}

// convertRows fills rows [from, to) of dst.
func (t Tensor) convertRows(dst []float32, from, to, rows int) error {
	f := formats[t.DType]
	columns := len(dst) / rows
	stride := columns / f.block * f.size
	for r := from; r < to; r++ {
		start := t.offset + t.fileRow(r, rows)*stride
		row := dst[r*columns : (r+1)*columns]
		f.convert(row, t.file.data[start:start+stride])
		if c := firstNonFinite(row); c >= 0 {
			return dataError(t.file.path, "tensor %q holds %v at row %d, column %d",
				t.fileName, row[c], r, c)
		}
		if t.minus != 0 {
			for i := range row {
				row[i] -= t.minus
			}
		}
	}
	return nil
}

// fileRow returns the row of the file that holds row r of the Hugging Face layout. Within a head of
// n rows, the Hugging Face row half*n/2+i is GGUF's row 2i+half: rotate-half pairs against
// interleaved pairs.
func (t Tensor) fileRow(r, rows int) int {
	if t.rotaryHeads == 0 {
		return r
	}
	n := rows / t.rotaryHeads
	head, k := r/n, r%n
	half, i := k/(n/2), k%(n/2)
	return head*n + 2*i + half
}
