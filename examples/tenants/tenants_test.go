package tenants_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/sqlpool"
)

// asTenant runs f in a transaction whose role is the tenant's.
func asTenant(ctx context.Context, db *sql.DB, tenant string, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "SELECT set_config('role', $1, true)", tenant); err != nil { // SET LOCAL ROLE
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// tenantKey is under which a request's context has its tenant.
type tenantKey struct{}

var errNoTenant = errors.New("tenants: the context has no tenant")

// Roles gives each loan the role of the tenant in its caller's context.
type Roles struct{}

// Hooks returns what goes into sqlpool.Config.Hooks.
func (r *Roles) Hooks() sqlpool.Hooks {
	return sqlpool.Hooks{AfterConnect: r.reset, BeforeAcquire: r.lend}
}

// reset notes that the session has no tenant's role: a new one, or one that
// pool_reset=clean has cleaned.
func (r *Roles) reset(_ context.Context, c *sqlpool.Conn) error {
	c.SetValue(r, nil)
	return nil
}

func (r *Roles) lend(ctx context.Context, c *sqlpool.Conn) error {
	tenant, ok := ctx.Value(tenantKey{}).(string)
	if !ok {
		return &sqlpool.CallerRefused{Err: errNoTenant} // the connection is sound
	}
	if c.Value(r) == tenant {
		return nil // no round trip
	}
	c.SetValue(r, nil)
	if err := c.Exec(ctx, "SET ROLE "+pgx.Identifier{tenant}.Sanitize()); err != nil {
		var said interface{ SQLState() string }
		if errors.As(err, &said) && (said.SQLState() == "22023" || said.SQLState() == "42501") {
			return &sqlpool.CallerRefused{Err: fmt.Errorf("tenants: %q: %w", tenant, err)} // no such role, or not ours
		}
		return err
	}
	c.SetValue(r, tenant)
	return nil
}

// Databases are pools with credentials of their own, one for each tenant. The
// options say whose they are.
type Databases struct {
	Driver, DSN string
	Options     func(tenant string) []drivers.Option

	mu   sync.Mutex
	open map[string]*drivers.Handle
}

// Of returns the tenant's database.
func (d *Databases) Of(tenant string) (*sql.DB, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.open[tenant]; h != nil {
		return h.DB, nil
	}
	h, err := drivers.Open(d.Driver, d.DSN, append(d.Options(tenant),
		drivers.Setting("pool_name", tenant),
		drivers.Setting("pool_max_conns", 2), // of each tenant
		drivers.Setting("pool_min_idle", 0),  // a quiet tenant has no connection
	)...)
	if err != nil {
		return nil, err
	}
	if d.open == nil {
		d.open = make(map[string]*drivers.Handle)
	}
	d.open[tenant] = h
	return h.DB, nil
}
