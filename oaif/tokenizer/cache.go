package tokenizer

import (
	"slices"
	"strings"
	"sync"
)

// The cache holds the words of a text, of which there are few; when it is full it takes no more.
const (
	cacheWords     = 1 << 17
	cacheWordBytes = 128 // longer words seldom come again
)

// wordCache remembers the ids of words. It is safe for concurrent use; the zero value is empty.
type wordCache struct {
	mu    sync.RWMutex
	words map[string][]int32
}

// get returns ids that must not be changed.
func (c *wordCache) get(word string) ([]int32, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ids, ok := c.words[word]
	return ids, ok
}

// put copies both the word, which may be a part of a long text, and its ids.
func (c *wordCache) put(word string, ids []int32) {
	if len(word) > cacheWordBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.words == nil {
		c.words = map[string][]int32{}
	}
	if len(c.words) < cacheWords {
		c.words[strings.Clone(word)] = slices.Clone(ids)
	}
}
