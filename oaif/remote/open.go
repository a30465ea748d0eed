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
func (l *LM) Usage() annotator.Usage { return l.client.Usage() }

// Probe asks one short question that is not stored, and says in one line what the endpoint cannot
// do of what spec asks for. Where nothing is to be sent it does nothing. An endpoint that is not
// there is oaif.ErrUnavailable, one that cannot do it is oaif.ErrUsage.
func (l *LM) Probe(ctx context.Context, spec *annotator.Spec) error {
	if l.client.cache.only() {
		return nil
	}
	bare := *l.client
	bare.cache, bare.end.Retries = nil, min(1, bare.end.Retries)
	p := annotator.Prompt{Text: "Answer with one word.", Chat: spec.Chat}
	asked := &LM{&bare, l.echo}
	var f *failure
	var err error
	if spec.Remote.Answers == annotator.AnswerText {
		_, f, err = asked.write(ctx, p, spec.Remote.MaxNewTokens)
	} else {
		_, f, err = asked.next(ctx, p, spec.Candidates())
	}
	where := l.client.end.URL
	switch {
	case err != nil:
		return fmt.Errorf("%s: the endpoint cannot be used: %w", spec.Path(), err)
	case f == nil, f.final && !f.refused: // another word was likelier: the question's affair
		return nil
	case spec.Remote.Answers == annotator.AnswerText:
		return oaif.UsageError(fmt.Sprintf("%s: %s writes no text: %s", spec.Path(), where, f.text))
	case l.echo:
		return oaif.UsageError(fmt.Sprintf("%s: kind = %q needs /completions with echo and "+
			"logprobs, which %s does not give: %s; have it write a score instead, with "+
			"remote.answers = %q", spec.Path(), spec.Kind, where, f.text, annotator.AnswerText))
	}
	return oaif.UsageError(fmt.Sprintf("%s: %s gives no top_logprobs: %s; have it write its "+
		"verdict instead, with remote.answers = %q", spec.Path(), where, f.text,
		annotator.AnswerText))
}
