package conformance

import (
	"context"
	"database/sql"
	"io"
	"slices"
	"strings"
	"time"
)

var replicaRules = slices.Concat(placeRules, freshRules, apartRules)

// placeRules: which server does what.
var placeRules = []Rule{
	{
		ID:     "REP-01",
		Rule:   "work that no one has marked is done by the primary, in whatever way it comes",
		Why:    "a read that was meant to see the latest would see the past, and a write would be refused",
		Source: "this pool: route; nothing is guessed from SQL text",
		needs:  []Need{NeedReplicas, NeedLedger},
		check: func(x *trial) {
			l, one := x.ledger(), x.target.Dialect.One
			s := x.split(0, l.insert, l.returning)
			s.warm()
			did := s.doing(func() {
				for _, way := range x.routes() {
					x.must(way.name, way.open(x.ctx, s.DB, one, func(a asker) {
						rows, err := a.query()
						x.must(way.name, err)
						x.must(way.name, readAll(rows))
						_, err = a.exec()
						x.must(way.name, err)
					}))
				}
				for i, how := range l.writings() {
					x.must(how, l.write(x.ctx, s.DB, how, l.token(i)))
				}
			})
			if on(did) != 0 {
				x.errorf("of unmarked work the primary did %d statements and the replicas %v", did[0], did[1:])
			}
		},
	},
	{
		ID:     "REP-02",
		Rule:   "a read-only transaction is done by one replica, all of it, and is read-only there",
		Why:    "reports and lists would stay on the server that has the most to do",
		Source: "database/sql: TxOptions.ReadOnly; this pool: route",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			for what, use := range x.inTx(s.DB) {
				did := s.doing(func() {
					tx, err := s.DB.BeginTx(x.ctx, &sql.TxOptions{ReadOnly: true})
					x.must("Begin", err)
					defer tx.Rollback() // after a Commit it does nothing
					use(tx)
					x.readOnly(tx)
					x.must("Commit", tx.Commit())
				})
				if on(did) < 1 {
					x.errorf("of a read-only transaction with %s the primary did %d statements and the replicas %v", what, did[0], did[1:])
				}
			}
		},
	},
	{
		ID:     "REP-03",
		Rule:   "a statement that is marked as a read is done by a replica, as text and prepared",
		Why:    "who has marked a read has measured that the primary has enough to do",
		Source: "this pool: route.Replica",
		needs:  []Need{NeedReplicas, NeedRead},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			for what, how := range x.ways() {
				did := s.doing(func() {
					ctx := s.Read(x.ctx)
					x.must(what, how(ctx, s.DB, x.target.Dialect.One, func(a asker) {
						rows, err := a.query()
						x.must(what, err)
						x.must(what, readAll(rows))
						_, err = a.exec()
						x.must(what, err)
					}))
				})
				if did[0] > 0 || did[1]+did[2] != 2 {
					x.errorf("of two marked executions (%s) the primary did %d and the replicas %v", what, did[0], did[1:])
				}
			}
		},
	},
	{
		ID:     "REP-04",
		Rule:   "a Conn stays on the server where it has begun, whatever the contexts of its statements say",
		Why:    "settings, locks and temporary tables of a session would be on one server and its statements on another",
		Source: "database/sql: Conn is one connection",
		needs:  []Need{NeedReplicas, NeedRead},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			marked, one := s.Read(x.ctx), x.target.Dialect.One
			for what, begin := range map[string]context.Context{"the primary": x.ctx, "a replica": marked} {
				conn, err := s.DB.Conn(begin)
				x.must("Conn", err)
				did := s.doing(func() {
					for _, ctx := range []context.Context{begin, x.ctx, marked, x.ctx} {
						x.must("a statement of a Conn", queryOne(ctx, conn, one))
					}
				})
				x.must("closing a Conn", conn.Close())
				if at := on(did); at < 0 || (at == 0) != (what == "the primary") {
					x.errorf("of a Conn that has begun on %s the primary did %d statements and the replicas %v", what, did[0], did[1:])
				}
			}
		},
	},
	{
		ID:     "REP-05",
		Rule:   "reads are done by every replica",
		Why:    "a second replica would be paid for and idle",
		Source: "this pool: route",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			did := make([]int, len(s.probes))
			for range 5 {
				now, err := s.round()
				x.must("a read", err)
				for i := range now {
					did[i] += now[i]
				}
			}
			if least := (did[1] + did[2]) / 4; did[0] > 0 || min(did[1], did[2]) < least {
				x.errorf("of 100 reads the primary did %d statements and the replicas %v", did[0], did[1:])
			}
		},
	},
}

// freshRules: what a replica that lags may be read for.
var freshRules = []Rule{
	{
		ID:     "REP-06",
		Rule:   "a session's reads see what was written in it before, in each way of writing",
		Why:    "a user saves a form and is shown the old values",
		Source: "this pool: route.Session",
		needs:  []Need{NeedReplicas, NeedHold, NeedOwnReads, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			s := x.split(time.Hour, l.insert, l.returning)
			s.warm()
			resume := s.hold(1, 2)
			n := 0
			for what, write := range l.alone(s.DB) {
				n++
				ctx := s.Session(x.ctx)
				x.must(what, write(ctx, l.token(n)))
				did, err := s.read(ctx)
				x.must("a read of the session", err)
				if on(did) != 0 {
					x.errorf("after %s, with replicas that have not replayed it, the session's read was done by the replicas %v", what, did[1:])
				}
			}
			ctx := s.Session(x.ctx)
			x.must("a write", l.write(ctx, s.DB, "Exec", l.tokenOf("last")))
			resume()
			x.until("the session's reads are done by replicas again", func() bool {
				did, err := s.read(ctx)
				return err == nil && on(did) > 0
			})
		},
	},
	{
		ID:     "REP-07",
		Rule:   "a replica that lags more than the limit is not read from, and is again when it has caught up",
		Why:    "a replica that stands still would show an ever older past to one caller in two",
		Source: "this pool: route.Config.MaxLag",
		needs:  []Need{NeedReplicas, NeedHold, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			s := x.split(500 * time.Millisecond)
			s.warm()
			resume := s.hold(1)
			x.must("a write", l.write(x.ctx, s.DB, "Exec", l.token(1)))
			s.settled("only the replica that has it all is read from", func(did []int) bool { return did[0] == 0 && did[1] == 0 })
			resume()
			s.warm()
		},
	},
}

// apartRules: servers that break, and servers that are closed.
var apartRules = []Rule{
	{
		ID:     "REP-08",
		Rule:   "while no replica can be reached the primary does the reads, and the replicas do them again when they are back",
		Why:    "the loss of replicas would be the loss of the service",
		Source: "this pool: route.UsePrimary",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			for _, p := range s.probes[1:] {
				p.intercept(func(context.Context, Call) error { return io.ErrUnexpectedEOF })
			}
			s.settled("the primary does the reads", func(did []int) bool { return on(did) == 0 })
			for _, p := range s.probes[1:] {
				p.intercept(nil)
			}
			s.warm()
		},
	},
	{
		ID:     "REP-09",
		Rule:   "while the primary cannot be reached no replica does its work, and the caller has an error",
		Why:    "a write that a replica refuses would hide that the primary is away, and a read would see the past",
		Source: "this pool: route; nothing unmarked leaves the primary",
		needs:  []Need{NeedReplicas, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			s := x.split(0, l.insert, l.returning)
			s.warm()
			s.probes[0].intercept(func(context.Context, Call) error { return io.ErrUnexpectedEOF })
			did := s.doing(func() {
				for i, how := range l.writings() {
					if x.within(time.Second, func(ctx context.Context) error { return l.write(ctx, s.DB, how, l.token(i)) }) == nil {
						x.errorf("%s of a row succeeded without the primary", how)
					}
				}
				if x.within(time.Second, func(ctx context.Context) error { return queryOne(ctx, s.DB, x.target.Dialect.One) }) == nil {
					x.errorf("a read that was not marked succeeded without the primary")
				}
			})
			if did[1]+did[2] > 0 {
				x.errorf("without the primary the replicas did %v of what is the primary's", did[1:])
			}
		},
	},
	{
		ID:     "REP-10",
		Rule:   "the error of a statement on a replica is the driver's own, with its SQLSTATE",
		Why:    "code that looks for an error of its driver would not find it where its reads have moved",
		Source: "database/sql: errors of statements are the driver's",
		needs:  []Need{NeedReplicas, NeedFail},
		check: func(x *trial) {
			fail := x.target.Dialect.Fail
			s := x.split(0)
			s.warm()
			tell := func(db *sql.DB) string {
				tx, err := db.BeginTx(x.ctx, &sql.TxOptions{ReadOnly: true})
				x.must("Begin", err)
				defer func() { _ = tx.Rollback() }()
				_, err = tx.ExecContext(x.ctx, fail)
				r := &transcript{x: x}
				r.err("a statement that fails", err)
				return strings.Join(r.lines, "; ")
			}
			if plain, got := tell(x.plain()), tell(s.DB); got != plain {
				x.errorf("on a replica: %s; the driver alone: %s", got, plain)
			}
		},
	},
	{
		ID:     "REP-11",
		Rule:   "closing the *sql.DB closes every connection to every server",
		Why:    "each deploy would leave sessions behind on servers of which no one thinks",
		Source: "database/sql: DB.Close; this pool: route.Router.Close",
		needs:  []Need{NeedReplicas},
		check: func(x *trial) {
			s := x.split(0)
			s.warm()
			x.must("a statement", queryOne(x.ctx, s.DB, x.target.Dialect.One))
			x.must("closing", s.Close())
			for i, p := range s.probes {
				if now, most := p.openNow(); now != 0 || most == 0 {
					x.errorf("%d of up to %d connections to server %d are open after Close", now, most, i)
				}
			}
		},
	},
}

// within calls f with a context that ends.
func (x *trial) within(limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(x.ctx, limit)
	defer cancel()
	return f(ctx)
}

// ways are the ways to execute a statement on a *sql.DB.
func (x *trial) ways() map[string]how {
	all := map[string]how{"as text": asText}
	if x.target.lacks(NeedPrepares) == "" {
		all["prepared"] = asStmt
	}
	return all
}

// inTx are ways to execute one statement of a transaction.
func (x *trial) inTx(db *sql.DB) map[string]func(*sql.Tx) {
	all := map[string]func(*sql.Tx){}
	one := x.target.Dialect.One
	for what, how := range x.ways() {
		all["a statement "+what] = func(tx *sql.Tx) {
			x.must(what, how(x.ctx, tx, one, func(a asker) {
				rows, err := a.query()
				x.must(what, err)
				x.must(what, readAll(rows))
			}))
		}
	}
	if x.target.lacks(NeedPrepares) == "" {
		all["a statement of the database's"] = func(tx *sql.Tx) {
			stmt, err := db.PrepareContext(x.ctx, one)
			x.must("Prepare", err)
			defer stmt.Close()
			rows, err := tx.StmtContext(x.ctx, stmt).QueryContext(x.ctx)
			x.must("Tx.Stmt", err)
			x.must("Tx.Stmt", readAll(rows))
		}
	}
	return all
}

// readOnly checks what the server says of a transaction that was begun as read-only.
func (x *trial) readOnly(tx *sql.Tx) {
	ask := x.target.Dialect.TxInfo
	if ask == "" {
		return
	}
	var isolation, readOnly string
	x.must("asking for the transaction", tx.QueryRowContext(x.ctx, ask).Scan(&isolation, &readOnly))
	if readOnly != "on" {
		x.errorf("a read-only transaction is not read-only on the server: %s", readOnly)
	}
}

// alone are the ways in which a program writes one row.
func (l ledger) alone(db *sql.DB) map[string]func(ctx context.Context, token string) error {
	all := map[string]func(context.Context, string) error{
		"a transaction": func(ctx context.Context, token string) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() // after a Commit it does nothing
			if err := l.write(ctx, tx, "Exec", token); err != nil {
				return err
			}
			return tx.Commit()
		},
		"a Conn's statement": func(ctx context.Context, token string) error {
			conn, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			return l.write(ctx, conn, "Exec", token)
		},
	}
	for _, how := range l.writings() {
		all[how] = func(ctx context.Context, token string) error { return l.write(ctx, db, how, token) }
	}
	return all
}
