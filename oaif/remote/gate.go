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

	mu       sync.Mutex
	end      *annotator.Remote
	used     annotator.Usage
	reserved annotator.Usage // what the requests that are on their way are estimated to use
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

// enter waits until a request that will use about so much may be sent. leave must be called after
// it.
func (g *gate) enter(ctx context.Context, about annotator.Usage) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := g.reserve(about); err != nil {
		<-g.slots
		return err
	}
	err := g.requests.Wait(ctx)
	if err == nil {
		err = g.tokens.WaitN(ctx, int(min(about.Tokens(), int64(g.tokens.Burst()))))
	}
	if err != nil {
		g.leave(about, annotator.Usage{})
	}
	return err
}

// leave ends a request of which so much was reserved, and so much used.
func (g *gate) leave(about, used annotator.Usage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reserved.Sub(about)
	g.used.Add(used)
	<-g.slots
}

// reserve refuses a request that would pass a ceiling.
func (g *gate) reserve(about annotator.Usage) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ahead := g.reserved
	ahead.Add(about)
	if most := g.end.MaxTokens; most > 0 && g.used.Tokens()+ahead.Tokens() > most {
		return oaif.UnavailableError(fmt.Sprintf("the annotator's budget is used up: %d tokens, "+
			"and about %d of requests under way, of remote.max_tokens = %d", g.used.Tokens(),
			ahead.Tokens(), most))
	}
	price := cost(g.end, ahead.PromptTokens, ahead.CompletionTokens)
	if most := g.end.MaxCost; most > 0 && g.used.Cost+price > most {
		return oaif.UnavailableError(fmt.Sprintf("the annotator's budget is used up: %.4f, and "+
			"about %.4f of requests under way, of remote.max_cost = %g", g.used.Cost, price, most))
	}
	g.reserved = ahead
	return nil
}

// cost is the price of so many tokens.
func cost(e *annotator.Remote, in, out int64) float64 {
	const million = 1e6
	return (float64(in)*e.PriceIn + float64(out)*e.PriceOut) / million
}

// of is the usage of one request with so many tokens.
func of(e *annotator.Remote, in, out int64) annotator.Usage {
	return annotator.Usage{Requests: 1, PromptTokens: in, CompletionTokens: out,
		Cost: cost(e, in, out)}
}

// usage returns what was used so far.
func (g *gate) usage() annotator.Usage {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used
}
