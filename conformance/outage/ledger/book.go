package ledger

import (
	"fmt"
	"sync"
)

// A Book keeps the outcome of every token that was written, to be held against
// what the server has. All methods may be called from any goroutine.
type Book struct {
	mu       sync.Mutex
	outcomes []Outcome // of token i+1; Unknown until recorded
	counts   [3]int
	why      map[int64]error // of the failed ones
}

// Token returns a token that was never used.
func (b *Book) Token() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outcomes = append(b.outcomes, Unknown)
	b.counts[Unknown]++
	return int64(len(b.outcomes))
}

// Record notes how the write of a token ended and returns the outcome.
func (b *Book) Record(token int64, err error) Outcome {
	o := Judge(err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noteLocked(token, o)
	if o == Failed {
		if b.why == nil {
			b.why = make(map[int64]error)
		}
		b.why[token] = err
	}
	return o
}

// Note notes the outcome of a token whose caller knows it without an error to
// judge.
func (b *Book) Note(token int64, o Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noteLocked(token, o)
}

// Outcome returns what the caller of a token knows.
func (b *Book) Outcome(token int64) Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.outcomes[token-1]
}

func (b *Book) noteLocked(token int64, o Outcome) {
	b.counts[b.outcomes[token-1]]--
	b.outcomes[token-1] = o
	b.counts[o]++
}

// Count returns how many tokens have the outcome now.
func (b *Book) Count(o Outcome) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts[o]
}

// An Audit is a book held against the server.
type Audit struct {
	Acknowledged, Failed, Unknown int // tokens, by what their callers know

	Written int // tokens that the server has, of any outcome

	Lost    []int64 // acknowledged, and the server does not have them
	Doubled []int64 // the server has them more than once
	Ghosts  []int64 // failed, and the server has them
	Strange []int64 // on the server, and never in the book

	Why error // what the caller of the first ghost was told
}

// Audit holds the book against what the server has: how often each token is
// there.
func (b *Book) Audit(seen map[int64]int) Audit {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := Audit{
		Acknowledged: b.counts[Acknowledged], Failed: b.counts[Failed], Unknown: b.counts[Unknown],
		Written: len(seen),
	}
	for i, o := range b.outcomes {
		token := int64(i + 1)
		switch n := seen[token]; {
		case n > 1:
			a.Doubled = append(a.Doubled, token)
		case n == 0 && o == Acknowledged:
			a.Lost = append(a.Lost, token)
		case n > 0 && o == Failed:
			a.Ghosts = append(a.Ghosts, token)
			if a.Why == nil {
				a.Why = b.why[token]
			}
		}
	}
	for token := range seen {
		if token < 1 || token > int64(len(b.outcomes)) {
			a.Strange = append(a.Strange, token)
		}
	}
	return a
}

// Err says what is wrong, or nil: acknowledged tokens are there exactly once,
// failed ones never, unknown ones at most once.
func (a Audit) Err() error {
	if len(a.Lost)+len(a.Doubled)+len(a.Ghosts)+len(a.Strange) == 0 {
		return nil
	}
	err := fmt.Errorf("ledger: %d acknowledged writes are lost %v, %d tokens are there more than once %v, %d failed writes are there %v, %d tokens are of no caller %v",
		len(a.Lost), few(a.Lost), len(a.Doubled), few(a.Doubled), len(a.Ghosts), few(a.Ghosts), len(a.Strange), few(a.Strange))
	if a.Why != nil {
		err = fmt.Errorf("%w; the first of the failed ones was told %T %w", err, a.Why, a.Why)
	}
	return err
}

func few(tokens []int64) []int64 { return tokens[:min(len(tokens), 5)] }
