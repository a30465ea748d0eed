package loss

import "github.com/wangkuiyi/gotorch"

// SLiC is the hinge of sequence likelihood calibration: max(0, 1 - beta*h). Its gradient in h is
// -beta while beta*h < 1 and 0 after, so at the paper's beta a constant push up to h = 500 nats.
// Two departures from SLiC-HF (arXiv 2305.10425), both those of arXiv 2402.04792: the log-probs
// are taken relative to the reference, and the cross-entropy term is left out.
var SLiC = Loss{Kind: "slic", Beta: 0.002, compose: composeSLiC}

func composeSLiC(c *composer, h gotorch.Tensor, beta float32) gotorch.Tensor {
	return c.relu(c.sub(c.constant(1), c.mul(h, c.constant(beta))))
}
