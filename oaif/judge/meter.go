package judge

import (
	"context"
	"sync/atomic"

	"github.com/oaif/oaif/oaif/annotator"
)

// meter counts the prompts that are put to a model: an annotator's cost.
type meter struct {
	annotator.LM
	writer  annotator.Writer // nil where no words are asked for
	prompts atomic.Int64
}

// NextLogprobs implements annotator.LM.
func (m *meter) NextLogprobs(
	ctx context.Context, prompts []annotator.Prompt, candidates []string,
) ([]annotator.Next, error) {
	m.prompts.Add(int64(len(prompts)))
	return m.LM.NextLogprobs(ctx, prompts, candidates)
}

// Write implements annotator.Writer.
func (m *meter) Write(
	ctx context.Context, prompts []annotator.Prompt, maxTokens int,
) ([]annotator.Said, error) {
	m.prompts.Add(int64(len(prompts)))
	return m.writer.Write(ctx, prompts, maxTokens)
}
