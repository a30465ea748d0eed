package loss

import (
	"github.com/wangkuiyi/gotorch"

	"github.com/oaif/oaif/torch"
)

// composer is gotorch's algebra on vectors of [n] fp32 with the one rule that makes it safe: every
// result is adopted by the scope before anything else is called. gotorch frees results by
// finalizer and does not keep arguments alive, so that without it a result may be freed under the
// operator that reads it. Device goroutine only.
type composer struct {
	scope *torch.Scope
	n     int64
}

func newComposer(n int) *composer { return &composer{torch.NewScope(), int64(n)} }

func (c *composer) close() { c.scope.Close() }

// vector returns data, of length n, as a constant.
func (c *composer) vector(data []float32) gotorch.Tensor {
	v := c.constant(0)
	torch.FromGotorch(v).Write(data)
	return v
}

// leaf returns data, of length n, as a variable that collects a gradient.
func (c *composer) leaf(data []float32) gotorch.Tensor {
	v := c.vector(data)
	torch.FromGotorch(v).RequireGrad()
	return v
}

// constant returns n times x.
func (c *composer) constant(x float32) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Full([]int64{c.n}, x, false))
}

func (c *composer) sub(a, b gotorch.Tensor) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Sub(a, b, 1))
}

func (c *composer) add(a, b gotorch.Tensor) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Add(a, b, 1))
}

func (c *composer) mul(a, b gotorch.Tensor) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Mul(a, b))
}

func (c *composer) relu(a gotorch.Tensor) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Relu(a))
}

func (c *composer) sum(a gotorch.Tensor) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Sum(a))
}

// logSigmoid returns log sigmoid(x) = log(e^x / (e^x + e^0)). gotorch has neither log nor
// logsigmoid; the first column of log-softmax over the columns [x, 0] is the same, and exact for
// large |x|, where the logarithm of a sigmoid would be -Inf.
func (c *composer) logSigmoid(x gotorch.Tensor) gotorch.Tensor {
	logs := c.scope.Adopt(gotorch.LogSoftmax(c.columns(x, c.constant(0)), 1))
	first := c.mul(logs, c.columns(c.constant(1), c.constant(0)))
	return c.scope.Adopt(gotorch.Sum(first, map[string]any{"dim": 1}))
}

// columns returns the matrix [n,2] of two vectors.
func (c *composer) columns(a, b gotorch.Tensor) gotorch.Tensor {
	return c.scope.Adopt(gotorch.Stack([]gotorch.Tensor{a, b}, 1))
}

// read copies t's elements out.
func (c *composer) read(t gotorch.Tensor) []float32 { return torch.FromGotorch(t).Float32() }

// grad copies a leaf's gradient out.
func (c *composer) grad(leaf gotorch.Tensor) []float32 {
	return c.scope.Grad(torch.FromGotorch(leaf)).Float32()
}
