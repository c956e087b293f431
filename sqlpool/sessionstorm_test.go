package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// In the storm everything happens at once: every verb, cancelled callers, lost
// replies, connections that die seen and unseen. What was acknowledged is
// written once, what failed certainly is not, and the rest at most once; a
// caller who holds a connection is alone on it; driver.ErrBadConn stays inside.
func TestStormThroughTheDB(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, maxOpen := range []int{0, 6, 40} {
		t.Run(fmt.Sprint("SetMaxOpenConns ", maxOpen), func(t *testing.T) {
			operations := 20_000
			if testing.Short() {
				operations = 2_000
			}
			sessionStorm(t, seed, maxOpen, operations)
		})
	}
}

func sessionStorm(t *testing.T, seed uint64, maxOpen, operations int) {
	const conns, goroutines = 4, 32
	server := fakedb.New()
	db, p, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: conns, CacheQueries: true})
	db.SetMaxOpenConns(maxOpen)
	db.SetConnMaxLifetime(50 * time.Millisecond)
	shared, err := db.Prepare("SELECT ?")
	must(t, err)
	calls := new(atomic.Uint64)
	server.Script(func(c fakedb.Call) fakedb.Fault { return weather(seed, calls.Add(1), c.Point) })

	var ledger sync.Map // token: nil acknowledged, an error otherwise
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			s := sailor{t: t, db: db, shared: shared, ledger: &ledger, name: fmt.Sprint(g), random: rand.New(rand.NewPCG(seed, uint64(g)))}
			for range operations / goroutines {
				s.act()
			}
		})
	}
	wg.Wait()
	server.Clear()
	must(t, shared.Close())

	ledger.Range(func(token, err any) bool {
		n := server.Written(token.(string))
		var lost *sqlpool.ConnLostError
		switch failure, _ := err.(error); {
		case failure == nil && n != 1:
			t.Errorf("%v was acknowledged and is written %d times", token, n)
		case n > 1:
			t.Errorf("%v is written %d times: %v", token, n, failure)
		case errors.As(failure, &lost) && lost.SafeToRetry() && n != 0:
			t.Errorf("%v is written but safe to retry: %v", token, failure)
		}
		return true
	})
	if n := server.Counts().PeakLive; n > conns {
		t.Errorf("the server saw %d connections", n)
	}
	rest(t, p)
	for _, c := range server.Conns() {
		if c.TxStatus() != 'I' {
			t.Errorf("connection %d is idle in a transaction", c.ID())
		}
	}
}

// weather says what befalls the n-th call.
func weather(seed, n uint64, p fakedb.Point) fakedb.Fault {
	r := rand.New(rand.NewPCG(seed, n))
	switch p {
	case fakedb.Exec, fakedb.Query, fakedb.StmtExec, fakedb.StmtQuery, fakedb.Prepare, fakedb.BeginTx, fakedb.Commit, fakedb.Rollback:
	case fakedb.Alive:
		if r.IntN(200) == 0 {
			return fakedb.Fault{Err: io.EOF}
		}
		return fakedb.Fault{}
	default:
		return fakedb.Fault{}
	}
	stage := fakedb.Stage(r.IntN(3))
	switch r.IntN(150) {
	case 0:
		return fakedb.Fault{Stage: stage, Kill: true, Err: []error{driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF}[r.IntN(3)]}
	case 1:
		return fakedb.Fault{Stage: stage, Err: &fakedb.Error{Code: "40001"}}
	case 2:
		return fakedb.Fault{Stage: stage, Delay: time.Duration(r.IntN(2000)) * time.Microsecond}
	case 3:
		return fakedb.Fault{Stage: fakedb.AfterSend, Kill: true, Err: &fakedb.Error{Code: "57P01"}}
	}
	return fakedb.Fault{}
}

// sailor is one user of the DB.
type sailor struct {
	t      *testing.T
	db     *sql.DB
	shared *sql.Stmt
	ledger *sync.Map
	name   string
	tokens int
	random *rand.Rand
}

func (s *sailor) act() {
	ctx := context.Background()
	if s.random.IntN(10) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(s.random.IntN(1000))*time.Microsecond)
		defer cancel()
	}
	var err error
	token := ""
	if s.random.IntN(2) == 0 {
		s.tokens++
		token = fmt.Sprintf("%s.%d", s.name, s.tokens)
	}
	switch s.random.IntN(6) {
	case 0:
		_, err = s.db.ExecContext(ctx, "INSERT "+token)
	case 1:
		_, err = s.db.ExecContext(ctx, "INSERT ?", token)
	case 2:
		token, err = "", ask(s.shared.QueryContext(ctx, 1))
	case 3:
		err = s.prepared(ctx, token)
	case 4:
		err = s.transaction(ctx, token)
	default:
		token, err = "", s.alone(ctx)
	}
	if token != "" {
		s.ledger.Store(token, err)
	}
	if errors.Is(err, driver.ErrBadConn) {
		s.t.Errorf("driver.ErrBadConn reached a user: %v", err)
	}
}

func (s *sailor) prepared(ctx context.Context, token string) error {
	stmt, err := s.db.PrepareContext(ctx, fmt.Sprintf("INSERT ? -- %d", s.random.IntN(20)))
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, token)
	if closed := stmt.Close(); errors.Is(closed, driver.ErrBadConn) {
		return closed
	}
	return err
}

func (s *sailor) transaction(ctx context.Context, token string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, "INSERT ?", token); err == nil {
		err = ask(tx.StmtContext(ctx, s.shared).QueryContext(ctx, 1))
	}
	if err != nil {
		if rolledBack := tx.Rollback(); errors.Is(rolledBack, driver.ErrBadConn) {
			return rolledBack
		}
		return err
	}
	return tx.Commit()
}

// alone sets the connection's owner and looks whether another loan has changed it.
func (s *sailor) alone(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err = conn.ExecContext(ctx, "SET owner="+s.name); err != nil {
		return err
	}
	for range 3 {
		var owner string
		if err = conn.QueryRowContext(ctx, "SHOW owner").Scan(&owner); err != nil {
			return err
		}
		if owner != s.name {
			s.t.Errorf("%s holds a connection that %s uses", s.name, owner)
		}
	}
	return nil
}
