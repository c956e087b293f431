package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"time"
)

// split is a database under test with replicas, and what each server did for it.
type split struct {
	*Split
	x      *trial
	probes []*Probe // of the primary, then of the replicas

	mu  sync.Mutex
	did []int // by server: transactions begun, and the rule's statements executed
}

// split opens one. texts are the statements of the rule: what else a router asks its
// servers is its own.
func (x *trial) split(maxLag time.Duration, texts ...string) *split {
	of := map[string]bool{x.target.Dialect.One: true}
	for _, text := range texts {
		of[text] = true
	}
	connectors := []driver.Connector{x.target.Connector}
	for _, r := range x.target.Replicas {
		connectors = append(connectors, r.Connector)
	}
	s := &split{x: x, did: make([]int, len(connectors))}
	for i, c := range connectors {
		p := newProbe()
		p.afterwards(func(_ context.Context, c Call, err error) error {
			if c.Op == OpBegin || (c.Op == OpExec || c.Op == OpQuery) && of[c.Text] {
				s.mu.Lock()
				s.did[i]++
				s.mu.Unlock()
			}
			return err
		})
		s.probes = append(s.probes, p)
		connectors[i] = p.Connector(c)
	}
	opened, err := x.target.openSplit(SplitSettings{Primary: connectors[0], Replicas: connectors[1:], MaxLag: maxLag})
	x.must("opening the database under test with its replicas", err)
	s.Split = opened
	x.cleanup(func() {
		for _, p := range s.probes {
			p.letGo()
		}
		_ = s.Close()
	})
	return s
}

// doing returns what each server did while f ran.
func (s *split) doing(f func()) []int {
	s.mu.Lock()
	clear(s.did)
	s.mu.Unlock()
	f()
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.did...)
}

// read reads once, in the way that there is, and returns what each server did for it.
func (s *split) read(ctx context.Context) (did []int, err error) {
	one := s.x.target.Dialect.One
	did = s.doing(func() {
		if s.Read != nil {
			err = queryOne(s.Read(ctx), s.DB, one)
			return
		}
		var tx *sql.Tx
		if tx, err = s.DB.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}); err == nil {
			if err = queryOne(ctx, tx, one); err == nil {
				err = tx.Commit()
			}
			_ = tx.Rollback() // after a Commit it does nothing
		}
	})
	return did, err
}

func queryOne(ctx context.Context, on preparer, text string) error {
	rows, err := on.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	return readAll(rows)
}

// round reads twenty times in a row and returns what each server did. A read that
// fails ends it.
func (s *split) round() (did []int, err error) {
	did = make([]int, len(s.probes))
	for range 20 {
		now, err := s.read(s.x.ctx)
		for i := range now {
			did[i] += now[i]
		}
		if err != nil {
			return did, err
		}
	}
	return did, nil
}

// settled waits until rounds of reads are as they should be.
func (s *split) settled(what string, want func(did []int) bool) {
	s.x.until(what, func() bool {
		did, err := s.round()
		return err == nil && want(did)
	})
}

// warm waits until every replica is read from.
func (s *split) warm() {
	s.settled("every replica is read from", func(did []int) bool { return did[0] == 0 && did[1] > 0 && did[2] > 0 })
}

// hold holds replicas, by their number from 1, until the trial is over or resume is called.
func (s *split) hold(replicas ...int) (resume func()) {
	var all []func() error
	for _, n := range replicas {
		goOn, err := s.x.target.Replicas[n-1].Hold(s.x.ctx)
		s.x.must("holding a replica", err)
		once := sync.OnceValue(goOn)
		all = append(all, once)
		s.x.cleanup(func() { _ = once() })
	}
	return func() {
		for _, goOn := range all {
			s.x.must("resuming a replica", goOn())
		}
	}
}

// on names the only server that did something, or -1.
func on(did []int) int {
	server := -1
	for i, n := range did {
		switch {
		case n > 0 && server >= 0:
			return -1
		case n > 0:
			server = i
		}
	}
	return server
}
