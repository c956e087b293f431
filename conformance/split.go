package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/sqlpool/go/sqlpool"
	sqlroute "github.com/sqlpool/go/sqlpool/route"
)

// A Replica is a read replica of a target's database.
type Replica struct {
	// Connector opens connections to it.
	Connector driver.Connector

	// Hold keeps the replica where it stands, whatever the primary writes, until
	// resume is called. Nil: the rules that need it are skipped.
	Hold func(context.Context) (resume func() error, err error)
}

// SplitSettings are what a rule asks of a *sql.DB with replicas.
type SplitSettings struct {
	Primary  driver.Connector   // opens connections to the server that takes writes
	Replicas []driver.Connector // and to its replicas, two or more

	// MaxLag is how far behind the primary a replica may be to be read from. Zero asks
	// for the default.
	MaxLag time.Duration
}

// A Split is a *sql.DB that sends read-only work to replicas, and everything else to
// their primary.
type Split struct {
	// DB is what an application has. Read-only transactions go to a replica.
	DB *sql.DB

	// Read returns a context whose statements only read, and go to a replica. Nil: only
	// transactions can.
	Read func(context.Context) context.Context

	// Session returns a context whose reads see what was written under it. Nil: there is
	// no such thing.
	Session func(context.Context) context.Context

	// Close closes everything.
	Close func() error
}

// OpenRouter opens sqlpool's router, on pools with the standard hooks.
func OpenRouter(s SplitSettings) (*Split, error) {
	r, err := router(s, sqlroute.UsePrimary)
	if err != nil {
		return nil, err
	}
	db := sqlroute.OpenDB(r)
	return &Split{DB: db, Read: sqlroute.Replica, Session: sqlroute.Session, Close: db.Close}, nil
}

func router(s SplitSettings, without sqlroute.WithoutReplica) (*sqlroute.Router, error) {
	cfg := sqlroute.Config{MaxLag: s.MaxLag, WithoutReplica: without}
	for i, c := range append([]driver.Connector{s.Primary}, s.Replicas...) {
		pool, err := sqlpool.New(config(Settings{Connector: c, MaxConns: 4}))
		if err != nil {
			return nil, err
		}
		if i == 0 {
			cfg.Primary = pool
		} else {
			cfg.Replicas = append(cfg.Replicas, pool)
		}
	}
	return sqlroute.New(cfg)
}

// askSplit opens the *sql.DB with replicas once to see what it offers.
func (t *Target) askSplit() error {
	none := func(reason string, needs ...Need) {
		for _, need := range needs {
			t.Lacks[need] = reason
		}
	}
	if len(t.Replicas) < 2 {
		none(fmt.Sprintf("it takes %s", NeedReplicas), NeedReplicas, NeedHold, NeedRead, NeedOwnReads)
		return nil
	}
	s := SplitSettings{Primary: t.Connector}
	for _, r := range t.Replicas {
		s.Replicas = append(s.Replicas, r.Connector)
		if r.Hold == nil {
			none(fmt.Sprintf("it takes %s", NeedHold), NeedHold)
		}
	}
	if t.OpenSplit == nil {
		return nil // sqlpool's router has it all
	}
	split, err := t.OpenSplit(s)
	if err != nil {
		return fmt.Errorf("opening the database under test with its replicas: %w", err)
	}
	if split.Read == nil {
		none(fmt.Sprintf("it takes %s", NeedRead), NeedRead)
	}
	if split.Session == nil {
		none(fmt.Sprintf("it takes %s", NeedOwnReads), NeedOwnReads)
	}
	return split.Close()
}

func (t *Target) openSplit(s SplitSettings) (*Split, error) {
	if t.OpenSplit != nil {
		return t.OpenSplit(s)
	}
	return OpenRouter(s)
}
