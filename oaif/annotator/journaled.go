package annotator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/oaif/oaif/oaif"
)

// Journaled returns an annotator that answers from j and asks inner only what j does not hold.
// Every verdict is stored, and on disk, before it is returned. id names the annotator (Spec.ID):
// verdicts of another id are never used. It is safe for concurrent use: the same question in two
// calls at once is asked once.
func Journaled(inner oaif.Annotator, id string, j *Journal) oaif.Annotator {
	return &journaled{inner, id, j}
}

type journaled struct {
	inner oaif.Annotator
	id    string
	j     *Journal
}

// Annotate implements oaif.Annotator.
func (a *journaled) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	keys := make([]string, len(questions))
	for i, q := range questions {
		key, err := questionKey(a.id, q)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	for {
		prefs, mine, others := a.j.claim(keys)
		if prefs != nil {
			return prefs, nil
		}
		if err := a.ask(ctx, questions, keys, mine); err != nil {
			return nil, err
		}
		// Our own questions are settled by now, so waiting for another call cannot deadlock. If
		// that call failed, the next round claims what it left.
		for _, settled := range others {
			select {
			case <-settled:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// ask puts the claimed questions to inner in one batch and stores the verdicts. The claim ends in
// any case.
func (a *journaled) ask(
	ctx context.Context, questions []oaif.Question, keys []string, mine []int,
) error {
	if len(mine) == 0 {
		return nil
	}
	batch, batchKeys := make([]oaif.Question, len(mine)), make([]string, len(mine))
	for k, i := range mine {
		batch[k], batchKeys[k] = questions[i], keys[i]
	}
	defer a.j.release(batchKeys)
	verdicts, err := a.inner.Annotate(ctx, batch)
	if err != nil {
		return err
	}
	if len(verdicts) != len(batch) {
		return fmt.Errorf("annotator: %d verdicts for %d questions", len(verdicts), len(batch))
	}
	a.j.mu.Lock()
	defer a.j.mu.Unlock()
	return a.j.store(batchKeys, verdicts)
}

// claim returns all verdicts if all are stored. Else prefs is nil, mine are the indices of the
// questions that this caller must ask and release, and others are the channels of those that
// another caller is asking.
func (j *Journal) claim(
	keys []string,
) (prefs []oaif.Preference, mine []int, others []chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	prefs = make([]oaif.Preference, len(keys))
	own := map[string]bool{}
	complete := true
	for i, key := range keys {
		stored, ok := j.verdicts[key]
		if ok {
			prefs[i] = stored
			continue
		}
		complete = false
		if settled, busy := j.asking[key]; busy {
			if !own[key] {
				others = append(others, settled)
			}
			continue
		}
		own[key], j.asking[key] = true, make(chan struct{})
		mine = append(mine, i)
	}
	if !complete {
		prefs = nil
	}
	return prefs, mine, others
}

// release ends a claim and wakes those who wait for it.
func (j *Journal) release(keys []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, key := range keys {
		close(j.asking[key])
		delete(j.asking, key)
	}
}

// questionKey is the sha256, in hex, of the annotator's id, a zero byte and the question as JSON
// with sorted field names.
func questionKey(id string, q oaif.Question) (string, error) {
	text, err := json.Marshal(struct {
		Fields map[string]string `json:"fields"`
		A      string            `json:"a"`
		B      string            `json:"b"`
	}{q.Fields, q.A, q.B})
	if err != nil {
		return "", fmt.Errorf("annotator: question key: %w", err)
	}
	sum := sha256.Sum256(append([]byte(id+"\x00"), text...))
	return hex.EncodeToString(sum[:]), nil
}
