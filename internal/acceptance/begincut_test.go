package acceptance

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

var (
	transactions = flag.Int("transactions", 200, "random transactions with cancels and cuts that each driver makes")
	endings      = flag.Int("endings", 1, "in one of so many of them contexts may end: an ended one costs the server a process")
	stride       = flag.Int("stride", 23, "a connection is cut behind each so many bytes")
)

// A connection that is cut behind the bytes (each, with -stride 1) of the first write, and of its answer: the
// transaction is done once or not at all, nothing of it runs outside of it, and what is acknowledged is there.
func TestACutAtEachByteOfTheFirstWrite(t *testing.T) {
	onEach(t, func(a *app) {
		var w wires
		_, db := a.wired(&w, a.dsn, sqlpool.Config{MaxConns: 1}, false)
		a.exec(db, "CREATE TABLE cuts (n int)")
		look := a.plain()
		n := 0
		count := func() (rows int) {
			a.must(look.QueryRowContext(a.ctx(), "SELECT count(*) FROM cuts WHERE n = $1", n).Scan(&rows))
			return rows
		}
		for _, first := range []string{"text", "argument", "several"} {
			for _, writing := range []bool{true, false} {
				for at := 0; ; at += *stride {
					n++
					a.exec(db, "SELECT 1") // a connection that works
					var cut atomic.Bool
					w.healed.Store(false)
					w.cut = func() (writes, reads int) {
						if cut.Swap(true) {
							return -1, -1
						}
						if writing {
							return at, -1
						}
						return -1, at
					}
					tx, err := db.BeginTx(a.ctx(), nil)
					a.must(err)
					switch first {
					case "text":
						_, err = tx.Exec(fmt.Sprintf("INSERT INTO cuts VALUES (%d)", n))
					case "argument":
						_, err = tx.Exec("INSERT INTO cuts VALUES ($1)", n)
					case "several":
						_, err = tx.Exec(fmt.Sprintf("SELECT 1; INSERT INTO cuts VALUES (%d)", n))
					}
					w.healed.Store(true) // of a statement that came through
					var lost *sqlpool.ConnLostError
					switch {
					case err == nil:
					case !errors.As(err, &lost):
						a.Errorf("%s, cut at %d of the write (%v): %v", first, at, writing, err)
					case lost.SafeToRetry() && !(writing && at == 0):
						a.Errorf("%s, cut at %d of the write (%v): said to be safe: %v", first, at, writing, err)
					}
					if count() != 0 {
						a.Fatalf("%s, cut at %d of the write (%v): committed before COMMIT", first, at, writing)
					}
					commit := tx.Commit()
					if (commit == nil) != (err == nil) {
						a.Errorf("%s, cut at %d of the write (%v): the statement %v, its COMMIT %v", first, at, writing, err, commit)
					}
					if rows, want := count(), map[bool]int{true: 1}[commit == nil]; rows != want {
						a.Fatalf("%s, cut at %d of the write (%v): %d rows, want %d", first, at, writing, rows, want)
					}
					if err == nil && at > 0 {
						break
					}
				}
			}
		}
	})
}

// Random transactions, some of whose contexts end and some of whose connections are
// cut. The rows of each carry its number: rolled back, it has none; committed, it has what
// was acknowledged, each row once and all in one transaction of the server's; with an unknown outcome,
// that or none. A statement whose context ended may have a row that was not acknowledged.
func TestRandomTransactionsWithCancelsAndCuts(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	for _, ad := range adapters {
		t.Run(ad.name, func(t *testing.T) {
			a := newApp(t, server, server.NewDatabase(t), ad)
			a.must(server.In(a.database).Exec(a.ctx(), "CREATE TABLE work (tx int, n int, server bigint DEFAULT txid_current())"))
			var w wires
			var draws atomic.Uint64
			w.cut = func() (writes, reads int) {
				rng := rand.New(rand.NewPCG(*seed, draws.Add(1)))
				switch rng.IntN(40) {
				case 0:
					return rng.IntN(250), -1
				case 1:
					return -1, rng.IntN(150)
				}
				return -1, -1
			}
			_, db := a.wired(&w, a.dsn, sqlpool.Config{MaxConns: 4}, false)
			var next atomic.Int64
			outcomes := make([]outcome, *transactions)
			var work sync.WaitGroup
			for range 8 {
				work.Go(func() {
					for {
						i := int(next.Add(1)) - 1
						if i >= len(outcomes) {
							return
						}
						outcomes[i] = a.transaction(db, i)
					}
				})
			}
			work.Wait()
			a.audit(outcomes)
		})
	}
}

// outcome is what a program knows of a transaction.
type outcome struct {
	rows    int  // that were acknowledged
	written int  // that may have been written
	state   byte // 'c' committed, 'r' certainly not, '?' unknown
}

func (a *app) transaction(db *sql.DB, i int) (out outcome) {
	rng := rand.New(rand.NewPCG(*seed, 1<<32+uint64(i)))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	calm := rng.IntN(*endings) != 0
	if !calm && rng.IntN(4) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(4000))*time.Microsecond)
		defer cancel()
	}
	out.state = 'r'
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: []sql.IsolationLevel{0, sql.LevelRepeatableRead}[rng.IntN(2)]})
	if err != nil {
		return out
	}
	for range rng.IntN(5) {
		call := ctx
		if !calm && rng.IntN(8) == 0 {
			var end context.CancelFunc
			call, end = context.WithTimeout(ctx, time.Duration(rng.IntN(2000))*time.Microsecond)
			defer end()
		}
		insert := fmt.Sprintf("INSERT INTO work VALUES (%d, %d)", i, out.written)
		switch rng.IntN(7) {
		case 0:
			_, _ = tx.ExecContext(call, "SAVEPOINT a") // if it fails, so does what follows
			continue
		case 1:
			_, err = tx.ExecContext(call, insert)
		case 2:
			_, err = tx.ExecContext(call, "SELECT 1; "+insert)
		case 3:
			var rows *sql.Rows
			if rows, err = tx.QueryContext(call, insert+" RETURNING n"); err == nil {
				for rows.Next() {
				}
				err = errors.Join(rows.Err(), rows.Close())
			}
		case 4:
			var stmt *sql.Stmt
			if stmt, err = tx.PrepareContext(call, "INSERT INTO work VALUES ($1, $2)"); err == nil {
				_, err = stmt.ExecContext(call, i, out.written)
			}
		default:
			_, err = tx.ExecContext(call, "INSERT INTO work VALUES ($1, $2)", i, out.written)
		}
		out.written++
		if err == nil {
			out.rows++
		}
	}
	if rng.IntN(3) == 0 {
		_ = tx.Rollback()
		return out
	}
	switch err := tx.Commit(); {
	case err == nil:
		out.state = 'c'
	case errors.Is(err, sqlpool.ErrConnLost) || errors.Is(err, context.DeadlineExceeded):
		out.state = '?'
	}
	return out
}

// audit compares what programs know with what is in the table.
func (a *app) audit(outcomes []outcome) {
	rows, err := a.server.In(a.database).Query(a.ctx(), "SELECT tx, count(*), count(DISTINCT n), count(DISTINCT server) FROM work GROUP BY tx")
	a.must(err)
	found := map[string][]string{}
	for _, row := range rows {
		found[row[0]] = row
	}
	count := map[byte]int{}
	for i, out := range outcomes {
		count[out.state]++
		row := found[fmt.Sprint(i)]
		none, all := row == nil, false
		if !none {
			n, err := strconv.Atoi(row[1])
			a.must(err)
			all = n >= out.rows && n <= out.written && row[2] == row[1] && row[3] == "1"
		}
		good := map[byte]bool{'c': all || none && out.rows == 0, 'r': none, '?': all || none}[out.state]
		if !good {
			a.Errorf("transaction %d of seed %d, %c with %d of %d rows acknowledged, has (rows, different, transactions) %s", i, *seed, out.state, out.rows, out.written, strings.Join(row, " "))
		}
	}
	a.Logf("%d committed, %d rolled back or refused, %d unknown", count['c'], count['r'], count['?'])
	if len(outcomes) >= 1_000 && (count['c'] < len(outcomes)/5 || count['?'] == 0) {
		a.Errorf("the transactions were not what they should be: %v", count)
	}
}
