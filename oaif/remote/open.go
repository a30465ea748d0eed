package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// Open returns the LM that spec, which has a Remote, describes. cachePath "" means no cache; only:
// everything must be in it. Close must be called.
func Open(spec *annotator.Spec, cachePath string, only bool) (*LM, error) {
	var cache *Cache
	if cachePath != "" {
		var err error
		if cache, err = OpenCache(cachePath, only); err != nil {
			return nil, err
		}
	}
	client, err := Dial(*spec.Remote, cache)
	if err != nil {
		return nil, errors.Join(oaif.UsageError(spec.Path()+": "+err.Error()), cache.Close())
	}
	return NewLM(client, spec.Kind == annotator.Pointwise), nil
}

// Close ends the LM's connections and closes its cache.
func (l *LM) Close() error {
	l.client.Close()
	return l.client.cache.Close()
}

// Usage returns what the LM's requests have used.
func (l *LM) Usage() Usage { return l.client.Usage() }

// Probe asks one short question that is not stored, and says in one line what the endpoint cannot
// do of what spec asks for. Where nothing is to be sent it does nothing.
func (l *LM) Probe(ctx context.Context, spec *annotator.Spec) error {
	if l.client.cache.only() {
		return nil
	}
	bare := *l.client
	bare.cache, bare.end.Retries = nil, min(1, bare.end.Retries)
	p := annotator.Prompt{Text: "Answer with one word.", Chat: spec.Chat}
	_, f, err := (&LM{&bare, l.echo}).next(ctx, p, spec.Candidates())
	switch {
	case err != nil:
		return oaif.UsageError(fmt.Sprintf("%s: the endpoint cannot be used: %v", spec.Path(), err))
	case f == nil, f.final: // another word was likelier: that is the question's affair
		return nil
	case l.echo:
		return oaif.UsageError(fmt.Sprintf("%s: kind = %q needs /completions with echo and "+
			"logprobs, which %s does not give: %s", spec.Path(), spec.Kind, l.client.end.URL, f.text))
	}
	return oaif.UsageError(fmt.Sprintf("%s: %s gives no top_logprobs: %s", spec.Path(),
		l.client.end.URL, f.text))
}
