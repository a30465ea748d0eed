package loss

import "github.com/wangkuiyi/gotorch"

// DPO is direct preference optimization: -log sigmoid(beta*h), arXiv 2305.18290 equation 7. Its
// gradient in h is -beta*sigmoid(-beta*h): it never stops pushing, and pushes less the better the
// pair is ranked.
var DPO = Loss{Kind: "dpo", Beta: 0.1, compose: composeDPO}

func composeDPO(c *composer, h gotorch.Tensor, beta float32) gotorch.Tensor {
	return c.mul(c.logSigmoid(c.mul(h, c.constant(beta))), c.constant(-1))
}
