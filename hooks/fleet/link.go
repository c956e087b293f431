package fleet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A link is one connection of the pool as a session of the member. The hook that was
// given the connection uses it, one at a time.
type link struct {
	fleet *Fleet
	conn  *sqlpool.Conn
	born  time.Time

	held   publication // on this session; seq is zero for none
	unsure bool        // a publication failed: which locks are held, of it and of others, is not known

	opened bool // AfterConnect is over
}

func (l *link) began() time.Time { return l.born }

func (l *link) dialing() bool { return !l.opened }

const (
	tryLock = "pg_catalog.pg_try_advisory_lock_shared("
	unlock  = "pg_catalog.pg_advisory_unlock_shared("
)

// lock names the session's member. Taken twice it is held twice, which does no harm: it
// ends with the session.
func (l *link) lock() string { return tryLock + key(l.fleet.classes.sessions, l.fleet.member.id) + ")" }

// open takes a new connection into the group, or refuses it.
func (l *link) open(ctx context.Context) error {
	rows, err := l.conn.Query(ctx, "SELECT pg_catalog.pg_backend_pid()::text, "+l.lock()+"::text")
	if err != nil {
		return fmt.Errorf("fleet: the connection cannot take an advisory lock: %w", err)
	}
	if len(rows) != 1 || len(rows[0]) != 2 {
		return errors.New("fleet: the server does not answer as PostgreSQL does")
	}
	pid, told := fmt.Sprint(rows[0][0]), l.conn.Backend().PID
	if told != 0 && strconv.FormatUint(uint64(told), 10) != pid {
		return fmt.Errorf("fleet: group %q: there is a pooler before the server (at login the process id was %d, the backend's is %s): "+
			"it shares connections itself, and what its clients lock does not stay with them; "+
			"leave out pool_fleet_max_conns and set the pooler's limit (max_db_connections of PgBouncer), or connect to the server directly",
			l.fleet.group, told, pid)
	}
	return nil
}

// again takes the locks that a reset of the session has taken away. If it has not, they
// are held twice, and publish finds out.
func (l *link) again(ctx context.Context) error {
	query := "SELECT " + l.lock()
	if l.held.seq != 0 {
		query += ", " + l.take(l.held)
	}
	return l.conn.Exec(ctx, query)
}

// take and drop name a publication's locks, take the content first and drop it last. So a
// statement that fails between the two does not leave the sequence number with less than
// what was published under it: with the content of an older publication on this session.
func (l *link) take(p publication) string {
	return tryLock + key(l.fleet.classes.contents, p.content()) + "), " + tryLock + key(l.fleet.classes.sequences, p.seq) + ")"
}

func (l *link) drop(p publication) string {
	return unlock + key(l.fleet.classes.sequences, p.seq) + "), " + unlock + key(l.fleet.classes.contents, p.content()) + ")"
}

// read implements session.
func (l *link) read(ctx context.Context) ([]row, error) {
	rows, here, err := l.look(ctx)
	if err == nil && !here { // DISCARD ALL, or pg_advisory_unlock_all
		if err = l.again(ctx); err == nil {
			rows, here, err = l.look(ctx)
		}
	}
	if err == nil && !here {
		err = errNotKept
	}
	return rows, err
}

var errNotKept = errors.New("fleet: the lock that the connection took is not there in the next statement: " +
	"is there a pooler before the server, or does another program hold an exclusive advisory lock on the same number?")

// look reads once. A statement that the driver kept may be gone (DISCARD ALL): then it
// reads again.
func (l *link) look(ctx context.Context) (all []row, here bool, err error) {
	answer, err := l.conn.Query(ctx, l.fleet.query)
	if soft(err) {
		answer, err = l.conn.Query(ctx, l.fleet.query)
	}
	if err != nil {
		return nil, false, err
	}
	for _, r := range answer {
		one, this, err := rowOf(r)
		if err != nil {
			return nil, false, err
		}
		all = append(all, one)
		here = here || this && one.member == l.fleet.member.id
	}
	return all, here, nil
}

// publish implements session.
func (l *link) publish(ctx context.Context, p publication) error {
	l.fleet.publisher.Store(l)
	if l.unsure || l.fleet.member.overstated() {
		// Until the next statement there is no publication: the others go on counting what
		// they knew.
		if err := l.conn.Exec(ctx, l.fleet.classes.clear()); err != nil {
			return err
		}
		l.held = publication{}
	}
	before := l.held
	l.held, l.unsure = p, true
	if err := l.conn.Exec(ctx, "SELECT "+l.take(p)); err != nil {
		return err
	}
	if before.seq != 0 {
		// In a statement of its own: there is no moment without a publication.
		if err := l.conn.Exec(ctx, "SELECT "+l.drop(before)); err != nil {
			return err
		}
	}
	l.unsure = false
	return nil
}

// soft reports whether an error leaves the connection in order: the server's word on a
// statement, but not on the session.
func soft(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	code := state.SQLState()
	return len(code) == 5 && code[:2] != "08" && code[:3] != "57P"
}
