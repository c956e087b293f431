package byname

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// mostReplicas is how many a router takes.
const mostReplicas = 63

// routeSettings are those of package route.
var routeSettings = []setting{
	{
		"pool_replicas", "POOL_REPLICAS", nil, "",
		"Streaming replicas that read-only transactions and marked reads go to (docs/replicas.md). Each has a pool of its own, with the user, passwords, TLS and settings of this one; " +
			"a server without a port has that of the connection string, and Unix sockets are for a connection string with one.",
		servers(mostReplicas, func(a *assembly) *[]onehost.Host { return &a.replicas }).
			unset("none", func(a *assembly) bool { return len(a.replicas) == 0 }),
	},
	{
		"pool_replica_max_lag", "POOL_REPLICA_MAX_LAG", nil, "",
		"How far behind the primary a replica may be to be read from.",
		wait(func(a *assembly) *time.Duration { return &a.route.MaxLag }),
	},
	{
		"pool_without_replica", "POOL_WITHOUT_REPLICA", nil, "",
		"What becomes of a read when no replica is fit: it goes to the primary, or it fails.",
		word(withoutReplica, func(a *assembly) *route.WithoutReplica { return &a.route.WithoutReplica }),
	},
}

var withoutReplica = map[string]route.WithoutReplica{"primary": route.UsePrimary, "fail": route.Fail}

// replicas makes an assembly for each replica: that of the primary, with a name and a connector of its own. A fleet's
// members on each server count by themselves, in the group that they have on the primary: it may be the next primary.
func (r *reading) replicas(connect func(*onehost.Host) (driver.Connector, error)) (all []assembly) {
	s := byName("pool_replicas")
	if r.bad[s] || r.assembly.cfg.Connector == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, h := range r.assembly.replicas {
		connector, err := connect(&h)
		if refused := (*onehost.Error)(nil); errors.As(err, &refused) {
			r.problems.add(r.objection(s, fmt.Sprintf("of %s: %s", h, refused.Rule), refused.Remedy))
			continue
		} else if err != nil {
			r.problems.add(err)
			continue
		}
		address := h.String()
		if c, ok := connector.(interface{ Address() string }); ok {
			address = c.Address()
		}
		if seen[address] {
			r.problems.add(r.objection(s, address+" is there twice", "keep one of the two"))
		}
		seen[address] = true
		one := r.assembly
		one.cfg.Name += "/replica/" + address
		one.cfg.Connector = connector
		one.fleet.Group = cmp.Or(one.fleet.Group, r.assembly.cfg.Name)
		all = append(all, one)
	}
	return all
}

// servers are the primary and its replicas.
func (a *assembled) servers() []*assembled { return append([]*assembled{a}, a.replicas...) }

// routed is what a database has beside the primary's pool: nothing without replicas.
type routed struct {
	router   *route.Router
	replicas []*sqlpool.Pool
}

// above opens the replicas' pools, and the router above them and the primary's. Of an error, or a panic of a hook, none of
// the pools is left, the primary's included.
func (a *assembled) above(primary *sqlpool.Pool) (r routed, err error) {
	if len(a.replicas) == 0 {
		return routed{}, nil
	}
	done := false
	defer func() {
		if !done {
			for _, pool := range append(r.replicas, primary) {
				err = errors.Join(err, pool.Close())
			}
			r = routed{}
		}
	}()
	for _, replica := range a.replicas {
		pool, err := replica.open()
		if err != nil {
			return r, err
		}
		r.replicas = append(r.replicas, pool)
	}
	cfg := a.route
	cfg.Primary, cfg.Replicas = primary, r.replicas
	r.router, err = route.New(cfg)
	done = err == nil
	return r, err
}

// open opens a replica's pool. A setting has brought it, and the program's hooks may not be made for it: a panic says so.
func (a *assembled) open() (*sqlpool.Pool, error) {
	defer func() {
		if p := recover(); p != nil {
			panic(fmt.Sprintf("drivers: the pool %q of pool_replicas: %v (AddHooksOf and WithHooksOf make hooks for the pool of each server)", a.Name, p))
		}
	}()
	return sqlpool.New(a.Config)
}

// refuseReplicas is the error of a call that makes a single pool.
func (a *assembled) refuseReplicas() error {
	for _, s := range a.settings {
		if s.Name == "pool_replicas" && len(a.replicas) > 0 {
			return &SettingError{
				Name: s.Name, Source: s.Source, Value: s.Value,
				Rule:   "the connection is opened by itself (driver.Driver.Open), not by a database that could send reads elsewhere",
				Remedy: "open the database with sql.Open or drivers.Open; a wrapper of the driver must pass on driver.DriverContext",
			}
		}
	}
	return nil
}
