package route

import "context"

// mark is what a context says to a router.
type mark struct {
	to      destination
	session *session // nil outside sessions
}

type destination int

const (
	unmarked destination = iota
	toReplica
	toPrimary
)

type markKey struct{}

// unmarkedContext is the mark of a context without one.
var unmarkedContext mark

func markOf(ctx context.Context) *mark {
	if m, ok := ctx.Value(markKey{}).(*mark); ok {
		return m
	}
	return &unmarkedContext
}

// Replica returns a context under which statements of a *sql.DB only read, and go to a replica. A replica refuses what
// writes (SQLSTATE 25006), but where no replica is fit the statement runs on the primary, which does not.
//
// Given to db.Conn, it makes the *sql.Conn a session of one replica, where no wrapper hides driver.SessionResetter.
func Replica(ctx context.Context) context.Context { return direct(ctx, toReplica) }

// Primary returns a context under which everything goes to the primary: read-only transactions too, and what an outer
// Replica had sent to a replica.
func Primary(ctx context.Context) context.Context { return direct(ctx, toPrimary) }

func direct(ctx context.Context, to destination) context.Context {
	return context.WithValue(ctx, markKey{}, &mark{to: to, session: markOf(ctx).session})
}
