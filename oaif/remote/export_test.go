package remote

import (
	"context"
	"time"
)

// Hurry makes the pauses between the tries of a request short.
func (c *Client) Hurry() { c.first = time.Millisecond }

// AfterFailure is what comes after a request that has failed.
func (c *Client) AfterFailure(ctx context.Context) error {
	return c.pause(ctx, &failure{text: "status 500"}, 0, 0)
}

// Hurry makes the pauses between the tries of a request short.
func (l *LM) Hurry() { l.client.Hurry() }
