package loss

import "github.com/wangkuiyi/gotorch"

// IPO is identity preference optimization: (h - 1/(2*beta))^2, arXiv 2310.12036 equation 17 with
// its tau written as beta. Its gradient in h is 2*(h - 1/(2*beta)): it pulls h to a margin of
// 1/(2*beta) nats, from above as well, so half a nat at the paper's beta.
var IPO = Loss{Kind: "ipo", Beta: 1.0, compose: composeIPO}

func composeIPO(c *composer, h gotorch.Tensor, beta float32) gotorch.Tensor {
	off := c.sub(h, c.constant(1/(2*beta)))
	return c.mul(off, off)
}
