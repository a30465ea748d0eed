package remote

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/oaif/oaif/oaif"
)

// Cache holds the answers to requests in one file. What a request's answer is stored under is the
// request itself, model name included, and not the address that it was sent to: an endpoint may
// move. One process may have a Cache open at a time; in it, it is safe for concurrent use. A nil
// Cache is one that holds nothing.
type Cache struct {
	path   string
	db     *bbolt.DB
	sealed bool
}

var answers = []byte("answers")

// lockWait is how long another process may hold the file.
const lockWait = 2 * time.Second

// batchDelay is how long an answer waits for others to be written with it.
const batchDelay = 2 * time.Millisecond

// OpenCache opens the cache at path, or creates it. sealed: every answer must be in it, nothing is
// to be sent and nothing is written.
func OpenCache(path string, sealed bool) (*Cache, error) {
	var db *bbolt.DB
	err := guarded(func() (err error) {
		db, err = bbolt.Open(path, 0o644, &bbolt.Options{Timeout: lockWait, ReadOnly: sealed})
		return err
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, oaif.DataError(path + ": the annotator's cache is in use by another process")
	}
	if err != nil {
		return nil, oaif.DataError(fmt.Sprintf("%s: not an annotator's cache: %v", path, err))
	}
	db.MaxBatchDelay = batchDelay
	c := &Cache{path: path, db: db, sealed: sealed}
	if sealed {
		return c, nil
	}
	err = guarded(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists(answers)
			return err
		})
	})
	if err != nil {
		return nil, errors.Join(c.failed(err), db.Close())
	}
	return c, nil
}

// Close closes the file.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	return c.db.Close()
}

// Len returns the number of answers.
func (c *Cache) Len() (n int, err error) {
	err = c.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(answers); b != nil {
			n = b.Stats().KeyN
		}
		return nil
	})
	return n, err
}

func (c *Cache) only() bool { return c != nil && c.sealed }

func (c *Cache) failed(err error) error { return fmt.Errorf("%s: %w", c.path, err) }

// guarded returns as a data error that bbolt finds a file broken, which it panics at, or that one
// was cut off, at whose end memory that maps it has a fault.
func guarded(use func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if why := recover(); why != nil {
			err = oaif.DataError(fmt.Sprintf("the annotator's cache is broken, delete it: %v", why))
		}
	}()
	return use()
}

func cacheKey(path string, payload []byte) []byte {
	sum := sha256.Sum256(append([]byte(path+"\x00"), payload...))
	return sum[:]
}

func (c *Cache) get(path string, payload []byte) (answer []byte, ok bool, err error) {
	if c == nil {
		return nil, false, nil
	}
	err = guarded(func() error {
		return c.db.View(func(tx *bbolt.Tx) error {
			if b := tx.Bucket(answers); b != nil {
				if v := b.Get(cacheKey(path, payload)); v != nil {
					answer, ok = append([]byte{}, v...), true // v is the file's
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, false, c.failed(err)
	}
	return answer, ok, nil
}

// put stores an answer that was read. It is on disk when put returns.
func (c *Cache) put(path string, payload, answer []byte) error {
	if c == nil {
		return nil
	}
	err := c.db.Batch(func(tx *bbolt.Tx) error {
		return tx.Bucket(answers).Put(cacheKey(path, payload), answer)
	})
	if err != nil {
		return c.failed(err)
	}
	return nil
}
