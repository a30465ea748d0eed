package torch_test

import (
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/wangkuiyi/gotorch"

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

// Without Adopt this loop reads freed memory within seconds: gotorch frees by finalizer and keeps
// no argument alive while an operator runs.
func TestAdoptedResultsSurviveGarbageCollection(t *testing.T) {
	d := torchtest.Open(t, 1)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			runtime.GC()
		}
	}()
	defer func() {
		stop.Store(true)
		<-done
	}()
	want := 1000 / (1 + math.Exp(-0.5))
	for range 300 {
		scoped(t, d, func(s *torch.Scope) {
			x := s.Adopt(gotorch.Full([]int64{1000}, 0.5, false))
			sum := s.Adopt(gotorch.Sum(s.Adopt(gotorch.Sigmoid(x))))
			if got := torch.FromGotorch(sum).Float32()[0]; math.Abs(float64(got)-want) > 0.01 {
				t.Errorf("got %g, want %g", got, want)
			}
		})
	}
}

func TestAdoptClearsTheFinalizer(t *testing.T) {
	d := torchtest.Open(t, 1)
	scoped(t, d, func(s *torch.Scope) {
		before := torch.LiveHandles()
		g := s.Adopt(gotorch.Full([]int64{3}, 2, false))
		if n := torch.LiveHandles() - before; n != 1 {
			t.Errorf("an adopted tensor is %d handles", n)
		}
		// The runtime ends the program if there still is one.
		runtime.SetFinalizer(g.T, func(*unsafe.Pointer) {})
		runtime.SetFinalizer(g.T, nil)
	})
}

func TestExchangeIsZeroCopy(t *testing.T) {
	d := torchtest.Open(t, 1)
	if d.IsCUDA() {
		t.Skip("gotorch makes its tensors on the CPU")
	}
	scoped(t, d, func(s *torch.Scope) {
		ours := s.FromFloat32(d, []float32{1, 2, 3}, 3)
		theirs := ours.Gotorch()
		one := s.Adopt(gotorch.Ones([]int64{3}, false))
		s.Adopt(theirs.AddI(one, 10)) // gotorch writes, we see it
		if got := ours.Float32(); !slices.Equal(got, []float32{11, 12, 13}) {
			t.Errorf("after gotorch's write: %v", got)
		}
		torch.FromGotorch(one).Write([]float32{0, 5, 0}) // we write, gotorch sees it
		if got := one.Index(1).Item(); got != float32(5) {
			t.Errorf("after our write: %v", got)
		}
	})
}

func TestAutogradThroughGotorch(t *testing.T) {
	d := torchtest.Open(t, 1)
	scoped(t, d, func(s *torch.Scope) {
		x := s.FromFloat32(d, []float32{-1, 0, 2}, 3)
		x.RequireGrad()
		y := s.Adopt(gotorch.Sum(s.Adopt(gotorch.Sigmoid(x.Gotorch()))))
		torch.FromGotorch(y).Backward()
		for i, g := range s.Grad(x).Float32() {
			p := 1 / (1 + math.Exp(-float64([]float32{-1, 0, 2}[i])))
			if math.Abs(float64(g)-p*(1-p)) > 1e-6 {
				t.Errorf("gradient %d is %g, want %g", i, g, p*(1-p))
			}
		}
	})
}
