package remote

import "time"

// Hurry makes the pauses between the tries of a request short.
func (c *Client) Hurry() { c.first = time.Millisecond }

// Hurry makes the pauses between the tries of a request short.
func (l *LM) Hurry() { l.client.Hurry() }
