package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A Target is what the rules are checked on. Only Connector is required.
type Target struct {
	// Name heads the report. Default: the type of the connector's driver.
	Name string

	// Connector opens connections of the driver, to a database in which the
	// rules may make schemas or tables of their own.
	Connector driver.Connector

	// Dialect is the SQL that the database speaks. Default: found out by asking.
	Dialect Dialect

	// Open opens the *sql.DB under test. Default [OpenPool]: sqlpool with its
	// standard hooks.
	Open func(Settings) (*Subject, error)

	// Server breaks things. Default: by SQL, as far as the dialect can.
	Server Server

	// Replicas are read replicas of the database. With fewer than two the rules about
	// replicas (REP) are skipped.
	Replicas []Replica

	// OpenSplit opens the *sql.DB under test that sends work to a primary and its
	// replicas. Default [OpenRouter]: sqlpool's router.
	OpenSplit func(SplitSettings) (*Split, error)

	// Lacks declares what the driver, the database or what stands between them
	// cannot do, each with the reason that the report prints beside the rules
	// that are skipped for it.
	Lacks map[Need]string

	// Only picks the rules to be checked, each by its ID ("SQL-01") or by its family
	// ("SQL"). Empty: all.
	Only []string

	// NotPromised names rules that the pool under test does not promise, by ID or
	// family, each with the reason that the report prints. They are not checked: a
	// correct pool may serve its callers in another order, or wait where this one
	// refuses.
	NotPromised map[string]string

	// Own are rules beside those of this package, checked after them. Only and
	// NotPromised hold for them too.
	Own []Rule

	// Limit is how long one rule may take before it counts as hanging. Default
	// 30 s. It is no expectation: a rule takes milliseconds, or a few seconds
	// where it waits for a timeout of the pool.
	Limit time.Duration

	run string // a word of this run's own in names
}

// A Server is the database under a target where it can be broken.
type Server interface {
	// Kill ends one session, named as [Dialect.Session] tells it. It returns
	// when the session is gone.
	Kill(ctx context.Context, session string) error
}

// Settings are what a rule asks of the database under test. A zero field asks
// for the pool's default. An Open that cannot do what a field asks returns
// [Lacking], and the rule is skipped.
type Settings struct {
	// Connector opens connections; a Probe watches them where the rule wants.
	Connector driver.Connector

	// Probe is told of dials and prepares by contenders that cannot dial with
	// Connector. It is nil when the rule does not watch.
	Probe *Probe

	MaxConns    int // the most connections there may be
	MinIdle     int // idle connections to keep ready
	MaxLifetime time.Duration
	MaxIdleTime time.Duration

	// Hooks and Adjust are for sqlpool alone; the rules that set them have
	// NeedPool. Hooks are beside the standard ones. Adjust is the last to
	// change the configuration.
	Hooks  []sqlpool.Hooks
	Adjust func(*sqlpool.Config)
}

// Lacking is the error of an Open that has no such feature. It says which.
type Lacking string

// Error is the feature, as Open named it.
func (l Lacking) Error() string { return string(l) }

// A Subject is an opened database under test.
type Subject struct {
	// DB is what an application has.
	DB *sql.DB

	// Pool is sqlpool's own interface, nil for other pools.
	Pool Pool

	// Figures is what the pool tells its operator. Default: what DB.Stats and
	// Pool.Stats tell.
	Figures func() Figures

	// Close closes everything.
	Close func() error
}

// Figures are what an operator can learn of a pool. A negative number is one
// that the pool does not tell.
type Figures struct {
	Open, InUse, Idle int
	Waiting           int // callers that wait for a connection now
	Waited            int64
	WaitTime          time.Duration
}

// Pool is what the rules use of *sqlpool.Pool, which documents it. It is an
// interface so that a mutant can stand in for one.
type Pool interface {
	Acquire(context.Context) (sqlpool.Loan, error) // this and the rest: see the methods of sqlpool.Pool
	Close() error
	Config() sqlpool.Config
	Connector() interface {
		driver.Connector
		Close() error
	}
	Holders() []sqlpool.Holder
	Name() string
	Recycle(context.Context, time.Duration) error
	Shutdown(context.Context) error
	Stats() sqlpool.Stats
	Warm(context.Context) error
}
