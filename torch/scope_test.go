package torch_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// refused fails the test unless f panics with an *Error of the class argument.
func refused(t *testing.T, what string, f func()) {
	t.Helper()
	var e *torch.Error
	if err := torch.Catch(f); !errors.As(err, &e) || e.Code != torch.CodeArgument {
		t.Errorf("%s: %v", what, err)
	}
}

func TestScopeFreesItsTensors(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		before := torch.LiveHandles()
		s := torch.NewScope()
		x := zeros(s, d, 2, 3)
		s.Narrow(x, 0, 0, 1)
		if n := torch.LiveHandles() - before; n != 2 {
			t.Errorf("two tensors are %d handles", n)
		}
		s.Close()
		s.Close()
		if n := torch.LiveHandles() - before; n != 0 {
			t.Errorf("%d handles after Close", n)
		}
		refused(t, "Shape after Close", func() { x.Shape() })
		refused(t, "Float32 after Close", func() { x.Float32() })
		refused(t, "Gotorch after Close", func() { x.Gotorch() })
		refused(t, "no tensor", func() { (*torch.Tensor)(nil).Shape() })
		torch.NewScope().Close() // an empty scope
		zeros(s, d, 1)
		s.Close() // a scope may be used again
	})
}

func TestClosingTwice(t *testing.T) {
	d := torchtest.Open(t, 1)
	torchtest.Do(t, d, func() {
		m := newModel(d, torch.Float32, true, 1)
		tree := torch.NewTree(d, sequence(1, 2))
		tape := torch.NewTape(1)
		dec := torch.NewDecoder(m, 1, 8, torch.Sampling{TopP: 1, MaxNew: 2})
		opt := torch.NewAdamW(m, 0.9, 0.95, 1e-8, 0)
		s := torch.NewScope()
		_, _, head := m.LogprobsWithGrad(tape, m.Forward(s, tree, tape), []int64{0}, []int64{2})
		for range 2 {
			for _, c := range []interface{ Close() }{s, head, opt, dec, tape, tree, m} {
				c.Close()
			}
		}
	})
}

// TestTensorRoundTrips writes and reads the final norm of a model, which has 16 elements.
func TestTensorRoundTrips(t *testing.T) {
	d := torchtest.Open(t, 1)
	want := append([]float32{1, -2.5, 0, 3e-5, 65504, float32(math.Inf(1))}, make([]float32, 10)...)
	for _, c := range []struct {
		dtype torch.DType
		tol   float64
	}{{torch.Float32, 0}, {torch.BFloat16, 1.0 / 256}} {
		scoped(t, d, func(s *torch.Scope) {
			m := newModel(d, c.dtype, false, 1)
			defer m.Close()
			x := m.Buffer(s, torch.Compute, m.Arch().Layers+1)
			if x.DType() != c.dtype || !slices.Equal(x.Shape(), []int{16}) || x.Len() != 16 {
				t.Errorf("%s: %s %v", c.dtype, x.DType(), x.Shape())
			}
			x.Write(want)
			for i, v := range x.Float32() {
				if v != want[i] && math.Abs(float64(v-want[i])) > c.tol*math.Abs(float64(want[i])) {
					t.Errorf("%s: wrote %g, read %g", c.dtype, want[i], v)
				}
			}
		})
	}
	if torch.DType(99).String() != "dtype(99)" || torch.BFloat16.String() != "bfloat16" {
		t.Error("dtypes have wrong names")
	}
}

func TestViewsShareMemory(t *testing.T) {
	d := torchtest.Open(t, 1)
	scoped(t, d, func(s *torch.Scope) {
		x := s.FromFloat32(d, []float32{1, 2, 3, 4, 5, 6}, 3, 2)
		s.Narrow(x, 0, 1, 1).Write([]float32{30, 40})
		s.Narrow(x, 1, 0, 1).Copy(s.FromFloat32(d, []float32{-1, -2, -3}, 3, 1))
		if got := x.Float32(); !slices.Equal(got, []float32{-1, 2, -2, 40, -3, 6}) {
			t.Errorf("got %v", got)
		}
		if got := zeros(s, d, 0).Float32(); len(got) != 0 {
			t.Errorf("an empty tensor holds %v", got)
		}
	})
}
