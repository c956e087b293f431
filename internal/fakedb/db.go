package fakedb

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrDown is what Connect returns after SetDown(nil).
var ErrDown = errors.New("fakedb: connection refused")

// DB is a scripted server. Its methods may be called from any goroutine.
type DB struct {
	rules        atomic.Pointer[[]*Rule] // nil when nothing is scripted
	down         atomic.Pointer[error]   // nil when the server is up
	schema       atomic.Int64            // ALTERs so far
	cacheQueries atomic.Bool

	tried, failed, dialing, peakDialing atomic.Int64
	aborts, closes, doubleCloses        atomic.Int64

	// mu guards what follows. No goroutine waits for anything while holding it: a goroutine blocked on a mutex stops a
	// synctest bubble's time.
	mu         sync.Mutex
	lastID     int64
	live       map[int64]*Conn // connected, and Close has not returned
	peakLive   int
	gone       [points]int64 // calls on connections that have left live
	prepares   map[prepared]int
	written    map[string]int
	violations []string
	standing   standing
}

// New returns a server that is up and does what it is told. Inside a synctest bubble, call it in the bubble.
func New() *DB {
	return &DB{live: make(map[int64]*Conn), prepares: make(map[prepared]int), written: make(map[string]int)}
}

// Connector connects with every ability there is: ConnectorAs(Full).
func (db *DB) Connector() driver.Connector { return db.ConnectorAs(Full) }

// ConnectorAs connects to the same server as a driver of the given shape.
func (db *DB) ConnectorAs(shape Shape) driver.Connector { return connector{db, shape} }

// SetDown makes Connect fail with err, or with ErrDown if err is nil. Open connections are not touched: see KillAll.
func (db *DB) SetDown(err error) {
	if err == nil {
		err = ErrDown
	}
	db.down.Store(&err)
}

// SetUp makes Connect work again.
func (db *DB) SetUp() { db.down.Store(nil) }

// KillAll kills all present connections: KillAllWith(Death{}).
func (db *DB) KillAll() { db.KillAllWith(Death{}) }

// KillAllWith kills all present connections in a given manner.
func (db *DB) KillAllWith(d Death) {
	for _, c := range db.Conns() {
		c.Kill(d)
	}
}

// Conns returns the connections that are live (Close has not returned), oldest first.
func (db *DB) Conns() []*Conn {
	db.mu.Lock()
	defer db.mu.Unlock()
	conns := make([]*Conn, 0, len(db.live))
	for _, c := range db.live {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *Conn) int { return cmp.Compare(a.id, b.id) })
	return conns
}

// SetCacheQueries sets what the connections' CacheQueries says; false at first.
func (db *DB) SetCacheQueries(on bool) { db.cacheQueries.Store(on) }

func (db *DB) connect(ctx context.Context) (*Conn, error) {
	db.tried.Add(1)
	now := db.dialing.Add(1)
	for peak := db.peakDialing.Load(); now > peak && !db.peakDialing.CompareAndSwap(peak, now); {
		peak = db.peakDialing.Load()
	}
	ok := false
	defer func() { // also when a script panics
		db.dialing.Add(-1)
		if !ok {
			db.failed.Add(1)
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h := db.strike(Call{Ctx: ctx, Point: Connect}); h != nil {
		if err := h.wait(ctx, nil); err != nil {
			return nil, err
		}
		if err := h.finish(); err != nil {
			return nil, err
		}
	}
	if err := db.down.Load(); err != nil {
		return nil, *err
	}
	ok = true
	return db.open(), nil
}

func (db *DB) open() *Conn {
	c := &Conn{db: db, cut: make(chan struct{}), aborted: make(chan struct{}), vars: make(map[string]string)}
	c.status.Store('I')
	db.mu.Lock()
	defer db.mu.Unlock()
	db.lastID++
	c.id = db.lastID
	db.live[c.id] = c
	db.peakLive = max(db.peakLive, len(db.live))
	return c
}

type connector struct {
	db    *DB
	shape Shape
}

// Connect implements driver.Connector.
func (k connector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.db.connect(ctx)
	if err != nil {
		return nil, err
	}
	return k.shape(c), nil
}

// Driver implements driver.Connector.
func (k connector) Driver() driver.Driver { return k }

// Open serves callers of sql.DB.Driver; the name means nothing.
func (k connector) Open(string) (driver.Conn, error) { return k.Connect(context.Background()) }
