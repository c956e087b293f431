//go:build unix

package workload

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
)

// Config says how long a soak lasts and with what. The zero value of a field
// means its default.
type Config struct {
	// Driver is one of Drivers. Default "pgx".
	Driver string

	// Seed decides what callers do and what happens to them; who meets what is
	// the scheduler's. Default: a random one, told in the Report.
	Seed uint64

	// Duration ends the soak after this long. Default 10 s, or an hour when
	// Faulted is set.
	Duration time.Duration

	// Faulted ends the soak when that many statements have met a fault of their
	// own. Default: no such end.
	Faulted int

	// Callers work at the same time, each without a pause. Default 16.
	Callers int

	// MaxConns is the pool's. Default 8.
	MaxConns int

	// Deadline is the longest that a caller gives one operation. Default 400 ms.
	Deadline time.Duration

	// Progress, if set, is told about once a second how it goes, and once at the
	// end. One call at a time.
	Progress func(Progress)
}

// Drivers are the names that Config.Driver may have.
func Drivers() []string { return []string{"pgx", "libpq"} }

// Validate says what is wrong with the configuration, or returns nil.
func (c Config) Validate() error {
	if c.Driver != "" && !slices.Contains(Drivers(), c.Driver) {
		return fmt.Errorf("soak: no driver %q; there are %q", c.Driver, Drivers())
	}
	if min(c.Duration, c.Deadline) < 0 || min(c.Faulted, c.Callers, c.MaxConns) < 0 {
		return fmt.Errorf("soak: a negative number in %+v", c)
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Driver = cmp.Or(c.Driver, "pgx")
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
		if c.Faulted > 0 {
			c.Duration = time.Hour
		}
	}
	c.Callers = cmp.Or(c.Callers, 16)
	c.MaxConns = cmp.Or(c.MaxConns, 8)
	c.Deadline = cmp.Or(c.Deadline, 400*time.Millisecond)
	for c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	return c
}

func (c Config) connector(dsn string) (driver.Connector, error) {
	if c.Driver == "libpq" {
		return libpq.Connector(dsn)
	}
	return pgxv5.Connector(dsn)
}

// bounded is a context in which the soak and its clearing up have to end.
func (c Config) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.Duration+2*time.Minute)
}
