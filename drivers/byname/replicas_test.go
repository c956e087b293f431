package byname

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// A replica's pool has a name of its own and all other settings of the database, also in the environment.
func TestReplicasAreSettings(t *testing.T) {
	for _, from := range []string{
		"postgres://app:hunter2@db1:5433/orders?pool_max_conns=7&pool_name=orders&pool_replicas=db2,db3:5444,%5B::1%5D&pool_replica_max_lag=2s&pool_without_replica=fail",
		"host=db1 port=5433 user=app password=hunter2 pool_max_conns=7 pool_name=orders pool_replicas='db2, db3:5444, [::1]' pool_replica_max_lag=2 pool_without_replica=fail",
		"host=db1 port=5433 user=app password=hunter2 POOL_MAX_CONNS=7 POOL_NAME=orders POOL_REPLICAS=db2,db3:5444,[::1] POOL_REPLICA_MAX_LAG=2s POOL_WITHOUT_REPLICA=fail",
	} {
		dsn, env, _ := strings.Cut(from, " POOL_")
		source := SourceDSN
		setenv(t)
		if env != "" {
			setenv(t, strings.Fields("POOL_"+env)...)
			source = SourceEnvironment + " (POOL_REPLICAS)"
		}
		for _, d := range registered {
			cfg, err := d.config(dsn)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, server := range cfg.servers() {
				names = append(names, server.Name)
				if server.MaxConns != 7 || server.monitor == nil || server.leaks == nil {
					t.Errorf("%s: %+v", server.Name, server.Config)
				}
			}
			if want := []string{"orders", "orders/replica/db2:5433", "orders/replica/db3:5444", "orders/replica/[::1]:5433"}; !slices.Equal(names, want) {
				t.Errorf("%s has the pools %q, want %q", from, names, want)
			}
			if cfg.replicas[0].monitor == cfg.replicas[1].monitor || cfg.replicas[0].leaks == cfg.leaks {
				t.Error("two pools share a monitor or a detector")
			}
			if cfg.route.MaxLag.Seconds() != 2 || cfg.route.WithoutReplica != route.Fail {
				t.Errorf("%+v", cfg.route)
			}
			told := map[string]string{}
			for _, s := range cfg.settings {
				told[s.Name] = s.Value + " from " + s.Source
			}
			if told["pool_replicas"] != "db2,db3:5444,[::1] from "+source || !strings.HasPrefix(told["pool_replica_max_lag"], "2s from ") || !strings.HasPrefix(told["pool_without_replica"], "fail from ") {
				t.Errorf("%v", told)
			}
		}
	}
}

func TestReplicasThatAreWrong(t *testing.T) {
	const dsn = "postgres://app:hunter2@db1:5433,db9:5434/orders?"
	for params, want := range map[string]string{
		"pool_replicas=db2:port":                `pool_replicas is "db2:port" in the connection string: it must be a list of at most 63 different servers with commas between them: each a host, host:port, [IPv6 address]:port, or the directory of a Unix socket; write for example pool_replicas=db2:5432,db3:5432, or leave it out for the default (none)`,
		"pool_replicas=":                        `pool_replicas is "" in the connection string: it must be a list`,
		"pool_replicas=db2:1,,db3:1":            `pool_replicas is "db2:1,,db3:1" in`,
		"pool_replicas=::1":                     `pool_replicas is "::1" in`,
		"pool_replicas=db2:1,db2:1":             `pool_replicas is "db2:1,db2:1" in`,
		"pool_replicas=db2%20hunter2;":          `pool_replicas is (not shown) in`,
		"pool_replicas=postgres://db2/":         `pool_replicas is (not shown) in`,
		"pool_replicas=db2":                     `pool_replicas is "db2" in the connection string: of db2: the hosts of the connection string have different ports; give db2 a port (db2:5432)`,
		"pool_replicas=db2:1,/run/pg":           `: of /run/pg: it is a Unix socket, and the host of the connection string is not; give all of them hosts`,
		"pool_replicas=db2:1&pool_replicas=a":   `it is given twice`,
		"pool_replica_max_lag=0":                `pool_replica_max_lag is "0" in the connection string: it must be a length of time above 0`,
		"pool_without_replica=nothing":          `pool_without_replica is "nothing" in the connection string: it must be fail or primary`,
		"pool_replica=db2:1":                    `did you mean pool_replicas`,
		"replicas=db2:1":                        `write pool_replicas`,
		"pool_replicas=" + many(64, "h%d:1"):    `at most 63 different servers`,
		"pool_replicas=db2:1&connect_timeout=x": `connect_timeout`,
	} {
		for name, d := range registered {
			on := dsn
			if name == PQ {
				on = "postgres://app:hunter2@db1/orders?host=db1,db9&port=5433,5434&"
			}
			_, err := d.OpenConnector(on + params)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s, %s: %v, want %s", name, params, err, want)
			}
		}
	}
	d := registered[PGX]
	if _, err := d.OpenConnector("host=db1 pool_replicas=db2,db2:5432"); err == nil || !strings.Contains(err.Error(), "db2:5432 is there twice; keep one of the two") {
		t.Error(err)
	}
	if _, err := d.Open("host=db1 pool_replicas=db2"); err == nil || !strings.Contains(err.Error(), `pool_replicas is "db2" in the connection string: the connection is opened by itself`) {
		t.Error(err)
	}
	if _, err := d.OpenConnector("host=db1 pool_replicas=" + many(63, "h%d:1")); err != nil {
		t.Error(err)
	}
}

func many(n int, form string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(form, i))
	}
	return strings.Join(all, ",")
}

// fakes is a driver over a scripted database for each server.
func fakes() (*named, map[string]*fakedb.DB) {
	d, primary := fake()
	all := map[string]*fakedb.DB{"": primary, "db2": fakedb.New(), "db3": fakedb.New()}
	d.connector = func(_ string, other *onehost.Host, _ *options) (driver.Connector, error) {
		if other == nil {
			return primary.Connector(), nil
		}
		return all[other.Name].Connector(), nil
	}
	return d, all
}

func TestClosingADatabaseClosesItsReplicas(t *testing.T) {
	setenv(t)
	synctest.Test(t, func(t *testing.T) {
		d, all := fakes()
		unused := open(t, d, "pool_replicas=db2,db3")
		if err := unused.Close(); err != nil {
			t.Error(err)
		}
		if r, ok := RouterOf(unused); ok || r != nil {
			t.Error("a router was made of a closed database")
		}
		for name, fake := range all {
			if n := fake.Counts().ConnectsTried; n != 0 {
				t.Errorf("%d dials to %q without a use", n, name)
			}
		}

		db := open(t, d, "pool_replicas=db2,db3 pool_name=orders")
		h, ok := HandleOf(db)
		if !ok || h.Router == nil || len(h.Replicas) != 2 || h.Name != "orders" || h.Pool.Name() != "orders" || h.DB != db {
			t.Fatalf("%v, %+v", ok, h)
		}
		if r, ok := RouterOf(db); !ok || r != h.Router {
			t.Error("RouterOf returns another router")
		}
		for i, name := range []string{"orders/replica/db2", "orders/replica/db3"} {
			r := h.Replicas[i]
			if r.Name != name || r.Pool.Name() != name || r.Health == nil || r.Health == h.Health || r.Leaks == nil || r.DB != nil || r.Router != nil || len(r.Settings()) != len(settings) {
				t.Errorf("%+v", r)
			}
		}
		synctest.Wait()
		for name, fake := range all {
			if n := fake.Counts().Live; n == 0 {
				t.Errorf("no connection to %q", name)
			}
		}
		if _, err := db.Exec("INSERT INTO t VALUES (1)"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil { // and the bubble is empty: no goroutine is left
			t.Error(err)
		}
		for name, fake := range all {
			if n := fake.Counts().Live; n != 0 {
				t.Errorf("%d connections to %q are left", n, name)
			}
		}
	})
}

func TestHooksGoToThePoolOfEachServer(t *testing.T) {
	setenv(t)
	synctest.Test(t, func(t *testing.T) {
		d, _ := fakes()
		started := map[string]int{}
		count := sqlpool.Hooks{OnStart: func(p *sqlpool.Pool) { started[p.Name()]++ }}
		var made []string
		f := func(h *Handle) []sqlpool.Hooks {
			if h.Pool != nil || h.DB != nil || h.Health == nil {
				t.Errorf("%+v", h)
			}
			made = append(made, h.Name)
			return []sqlpool.Hooks{count}
		}
		cfg, err := d.config("pool_replicas=db2,db3", WithHooks(count), WithHooksOf(f))
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(newConnector(d, cfg))
		if err := errors.Join(AddHooks(db, count), AddHooksOf(db, f), db.Ping()); err != nil {
			t.Fatal(err)
		}
		all := []string{"default", "default/replica/db2", "default/replica/db3"}
		if want := map[string]int{all[0]: 4, all[1]: 4, all[2]: 4}; !maps.Equal(started, want) {
			t.Errorf("started %v, want %v", started, want)
		}
		if !slices.Equal(made, slices.Concat(all, all)) {
			t.Errorf("made for %q", made)
		}
		if err := AddHooksOf(db, f); err == nil || !strings.HasPrefix(err.Error(), "drivers: AddHooksOf: the pool has started") {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Hooks that serve one pool panic in the second: nothing is left of the first.
func TestAPanicInAReplicasStartLeavesNothing(t *testing.T) {
	setenv(t)
	synctest.Test(t, func(t *testing.T) {
		d, all := fakes()
		db := open(t, d, "pool_replicas=db2,db3")
		if err := AddHooks(db, sqlpool.Hooks{OnStart: func(p *sqlpool.Pool) {
			if p.Name() == "default/replica/db3" {
				panic("a hook's")
			}
		}}); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				want := `drivers: the pool "default/replica/db3" of pool_replicas: a hook's (AddHooksOf and WithHooksOf make hooks for the pool of each server)`
				if got := recover(); got != want {
					t.Errorf("%v, want %s", got, want)
				}
			}()
			_, _ = RouterOf(db)
		}()
		for name, fake := range all {
			if n := fake.Counts().Live; n != 0 {
				t.Errorf("%d connections to %q are left", n, name)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A caller that comes while the pools start gets the whole handle.
func TestAHandleIsWholeAlsoWhileThePoolsStart(t *testing.T) {
	setenv(t)
	synctest.Test(t, func(t *testing.T) {
		d, _ := fakes()
		db := open(t, d, "pool_replicas=db2,db3")
		start, starting := make(chan struct{}), make(chan struct{})
		if err := AddHooks(db, sqlpool.Hooks{OnStart: func(p *sqlpool.Pool) {
			if p.Name() == "default/replica/db2" {
				close(starting)
				<-start
			}
		}}); err != nil {
			t.Fatal(err)
		}
		go func() { _ = db.Ping() }()
		<-starting
		got := make(chan *Handle)
		go func() { h, _ := HandleOf(db); got <- h }()
		synctest.Wait()
		close(start)
		if h := <-got; h == nil || h.Router == nil || len(h.Replicas) != 2 {
			t.Errorf("%+v", h)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestADatabaseWithoutReplicasHasNoRouter(t *testing.T) {
	setenv(t)
	synctest.Test(t, func(t *testing.T) {
		d, _ := fake()
		db := open(t, d, "")
		defer db.Close()
		h, ok := HandleOf(db)
		if !ok || h.Router != nil || h.Replicas != nil || h.Name != sqlpool.DefaultName {
			t.Errorf("%+v", h)
		}
		if r, ok := RouterOf(db); ok || r != nil {
			t.Error("it has")
		}
		other := sql.OpenDB(fakedb.New().Connector())
		defer other.Close()
		if _, ok := RouterOf(other); ok {
			t.Error("another's has")
		}
	})
}

// Sessions are spread over the servers' pools.
func TestSetMaxOpenConnsCountsForAllServers(t *testing.T) {
	setenv(t)
	d, _ := fakes()
	db := open(t, d, "pool_replicas=db2,db3 pool_max_conns=20")
	defer db.Close()
	for sessions, want := range map[int]bool{61: false, 60: true} {
		db.SetMaxOpenConns(sessions)
		list, _ := SettingsOf(db)
		note := list[slices.IndexFunc(list, func(s sqlpool.Setting) bool { return s.Name == "pool_max_conns" })].Note
		if strings.Contains(note, "does not exceed pool_max_conns=20 on each of 3 servers: ") != want {
			t.Errorf("%d: %q", sessions, note)
		}
	}
}

func TestUnroutedDatabasesConnectWithoutAnAllocationMore(t *testing.T) {
	setenv(t)
	d, _ := fake()
	c, err := d.OpenConnector("pool_min_idle=0")
	if err != nil {
		t.Fatal(err)
	}
	named := c.(*connector)
	defer named.Close()
	ctx := context.Background()
	connects := func(c driver.Connector) float64 {
		return testing.AllocsPerRun(100, func() {
			conn, err := c.Connect(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
		})
	}
	if byName, byHand := connects(named), connects(named.pool.Connector()); byName != byHand {
		t.Errorf("%v allocations by name, %v by hand", byName, byHand)
	}
}
