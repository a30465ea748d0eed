package remote

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// gate lets requests pass as the endpoint allows. Safe for concurrent use.
type gate struct {
	slots            chan struct{}
	requests, tokens *rate.Limiter

	mu   sync.Mutex
	end  *annotator.Remote
	used Usage
	// reserved are the tokens of requests that are on their way.
	reserved int64
}

// Usage is what requests have used.
type Usage struct {
	Requests         int64   `json:"requests"`
	PromptTokens     int64   `json:"prompt_tokens"`
	CompletionTokens int64   `json:"completion_tokens"`
	Cost             float64 `json:"cost"`
}

func newGate(e *annotator.Remote) *gate {
	return &gate{
		slots:    make(chan struct{}, e.Concurrency),
		requests: limiter(e.RequestsPerMinute, 1),
		tokens:   limiter(e.TokensPerMinute, e.TokensPerMinute),
		end:      e,
	}
}

// limiter allows perMinute events a minute, burst of them at once.
func limiter(perMinute, burst float64) *rate.Limiter {
	if perMinute == 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perMinute/60), max(1, int(burst)))
}

// enter waits until a request of about so many tokens may be sent. leave must be called after it.
func (g *gate) enter(ctx context.Context, tokens int64) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := g.reserve(tokens); err != nil {
		<-g.slots
		return err
	}
	err := g.requests.Wait(ctx)
	if err == nil {
		err = g.tokens.WaitN(ctx, int(min(tokens, int64(g.tokens.Burst()))))
	}
	if err != nil {
		g.leave(tokens, Usage{})
	}
	return err
}

// leave ends a request that used what it says.
func (g *gate) leave(tokens int64, used Usage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reserved -= tokens
	g.used.add(used)
	<-g.slots
}

func (u *Usage) add(v Usage) {
	u.Requests += v.Requests
	u.PromptTokens += v.PromptTokens
	u.CompletionTokens += v.CompletionTokens
	u.Cost += v.Cost
}

// reserve refuses a request that would pass a ceiling.
func (g *gate) reserve(tokens int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	total := g.used.PromptTokens + g.used.CompletionTokens
	if most := g.end.MaxTokens; most > 0 && total+g.reserved+tokens > most {
		return oaif.UnavailableError(fmt.Sprintf(
			"the annotator's budget is used up: %d of remote.max_tokens = %d", total, most))
	}
	ahead := cost(g.end, g.reserved+tokens, 0)
	if most := g.end.MaxCost; most > 0 && g.used.Cost+ahead > most {
		return oaif.UnavailableError(fmt.Sprintf(
			"the annotator's budget is used up: %.4f of remote.max_cost = %g", g.used.Cost, most))
	}
	g.reserved += tokens
	return nil
}

// cost is the price of so many tokens.
func cost(e *annotator.Remote, in, out int64) float64 {
	const million = 1e6
	return (float64(in)*e.PriceIn + float64(out)*e.PriceOut) / million
}

// usage returns what was used so far.
func (g *gate) usage() Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used
}
