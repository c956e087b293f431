//go:build unix

package drivers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool/route"
)

// withStandby starts a primary and a streaming replica of it.
func withStandby(t *testing.T, opts pgserver.Options) (primary, standby *pgserver.Server) {
	t.Helper()
	primary = pgserver.Run(t, opts)
	standby, err := primary.StartStandby(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = standby.Close() })
	return primary, standby
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// portOf is the port of the server that answers.
func portOf(t *testing.T, ctx context.Context, q querier) (port int) {
	t.Helper()
	must(t, q.QueryRowContext(ctx, "SELECT current_setting('port')::int").Scan(&port))
	return port
}

// awaitReplicas waits until all replicas are fit.
func awaitReplicas(t *testing.T, r *route.Router) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, r.Warm(ctx))
	for {
		unfit := ""
		for _, s := range r.Snapshot().Replicas {
			if !s.Fit {
				unfit = s.Name + ": " + s.Reason
			}
		}
		if unfit == "" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(unfit)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// checkRouting sends work that belongs on the primary, and work that belongs on the replica.
func checkRouting(t *testing.T, db *sql.DB, primary, replica int) {
	t.Helper()
	ctx := t.Context()
	router, ok := RouterOf(db)
	if !ok {
		t.Fatal("there is no router")
	}
	awaitReplicas(t, router)
	if got := portOf(t, ctx, db); got != primary {
		t.Errorf("an unmarked statement is on port %d, want the primary's, %d", got, primary)
	}
	if got := portOf(t, route.Replica(ctx), db); got != replica {
		t.Errorf("a marked read is on port %d, want the replica's, %d", got, replica)
	}
	for readOnly, want := range map[bool]int{false: primary, true: replica} {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
		must(t, err)
		if got := portOf(t, ctx, tx); got != want {
			t.Errorf("a transaction with ReadOnly %v is on port %d, want %d", readOnly, got, want)
		}
		must(t, tx.Rollback())
	}
}

// A password, TLS and the DSN's other parameters lead to the replica as to the primary, in either form, from the
// environment too; and closing the database closes all.
func TestReplicasByName(t *testing.T) {
	setenv(t)
	primary, standby := withStandby(t, pgserver.Options{TLS: true, PasswordAuth: true})
	must(t, primary.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'fresh'"))
	must(t, primary.WaitStreaming(t.Context(), standby))
	at, replica := primary.TCP(), standby.TCP()
	server := fmt.Sprintf("%s:%d", replica.Host, replica.Port)
	settings := "pool_max_conns=3 pool_name=orders pool_replicas=" + server
	url := fmt.Sprintf("postgres://app:fresh@%s:%d/postgres?sslmode=require&application_name=by-name&target_session_attrs=read-write", at.Host, at.Port)
	keyValue := fmt.Sprintf("host=%s port=%d user=app password=fresh dbname=postgres sslmode=require application_name=by-name target_session_attrs=read-write", at.Host, at.Port)
	for form, c := range map[string]struct{ dsn, env string }{
		"url": {with(url, settings), ""}, "keyvalue": {with(keyValue, settings), ""},
		"environment": {with(url, "pool_name=orders pool_max_conns=3"), "POOL_REPLICAS=" + server},
	} {
		t.Run(form, func(t *testing.T) {
			if c.env != "" {
				setenv(t, c.env)
			}
			eachDriver(t, func(t *testing.T, name string) {
				db, err := sql.Open(name, c.dsn)
				must(t, err)
				checkRouting(t, db, at.Port, replica.Port)
				h, _ := HandleOf(db)
				var app, cipher string
				must(t, db.QueryRowContext(route.Replica(t.Context()), "SELECT current_setting('application_name'), cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&app, &cipher))
				if app != "by-name" || cipher == "" {
					t.Errorf("on the replica application_name is %q, the cipher %q", app, cipher)
				}
				if len(h.Replicas) != 1 || h.Replicas[0].Pool.Name() != "orders/replica/"+server || h.Replicas[0].Pool.Config().MaxConns != 3 {
					t.Errorf("%+v", h.Replicas)
				}
				must(t, db.Close())
				for _, s := range []*pgserver.Server{primary, standby} {
					rows, err := s.Query(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'by-name'")
					must(t, err)
					if rows[0][0] != "0" {
						t.Errorf("%s sessions are left after db.Close", rows[0][0])
					}
				}
			})
		})
	}
	t.Run("handle", func(t *testing.T) {
		eachDriver(t, func(t *testing.T, name string) {
			h, err := Open(name, url, Setting("pool_replicas", server), Setting("pool_without_replica", "fail"))
			must(t, err)
			if h.Router == nil || len(h.Replicas) != 1 {
				t.Fatalf("%+v", h)
			}
			defer h.DB.Close()
			awaitReplicas(t, h.Router)
			if got := portOf(t, route.Replica(t.Context()), h.DB); got != replica.Port {
				t.Errorf("a marked read is on port %d", got)
			}
			must(t, standby.Pause())
			refused := (*route.NoReplicaError)(nil)
			for refused == nil {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, err := h.DB.ExecContext(route.Replica(ctx), "SELECT 1") // the first ones wait for the paused server
				cancel()
				if errors.As(err, &refused) && !strings.Contains(err.Error(), "default/replica/"+server) {
					t.Error(err)
				}
				if t.Context().Err() != nil {
					t.Fatal(err)
				}
			}
			must(t, standby.Resume())
			awaitReplicas(t, h.Router)
			must(t, h.DB.Close())
		})
	})
}

// With all nodes in both lists a program needs to know neither which is the primary nor what changes: the node that takes
// writes is the primary, and the others are read from.
func TestReplicasByNameFollowAPromotion(t *testing.T) {
	setenv(t)
	eachDriver(t, func(t *testing.T, name string) {
		primary, standby := withStandby(t, pgserver.Options{})
		must(t, primary.WaitStreaming(t.Context(), standby))
		first, second := primary.TCP(), standby.TCP()
		nodes := fmt.Sprintf("%s:%d,%s:%d", first.Host, first.Port, second.Host, second.Port)
		// lib/pq takes a list of hosts with ports in key=value form only
		dsn := fmt.Sprintf("host=%s,%s port=%d,%d user=%s dbname=postgres sslmode=disable target_session_attrs=read-write pool_replicas=%s",
			first.Host, second.Host, first.Port, second.Port, first.User, nodes)
		db, err := sql.Open(name, dsn)
		must(t, err)
		defer db.Close()
		router, _ := RouterOf(db)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		await := func(fit int) {
			t.Helper()
			for {
				s := router.Snapshot()
				if s.Primary.Fit && s.Replicas[fit].Fit && !s.Replicas[1-fit].Fit {
					return
				}
				if ctx.Err() != nil {
					t.Fatalf("%+v", s)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		await(1)
		if p, r := portOf(t, ctx, db), portOf(t, route.Replica(ctx), db); p != first.Port || r != second.Port {
			t.Errorf("work goes to %d, reads to %d", p, r)
		}
		must(t, primary.KillPostmaster())
		must(t, standby.Promote(ctx))
		for port := 0; port != second.Port; {
			_ = db.QueryRowContext(ctx, "SELECT current_setting('port')::int").Scan(&port)
			if ctx.Err() != nil {
				t.Fatal("no work reaches the promoted server")
			}
		}
		if r := portOf(t, route.Replica(ctx), db); r != second.Port {
			t.Errorf("reads go to %d", r)
		}
	})
}

// The limit of a fleet holds on each server: the members there share it, the pools of one program on different servers do
// not.
func TestAFleetCountsOnEachServer(t *testing.T) {
	setenv(t)
	const limit = 6
	primary, standby := withStandby(t, pgserver.Options{})
	must(t, primary.WaitStreaming(t.Context(), standby))
	at, replica := primary.TCP(), standby.TCP()
	dsn := with(primary.DSN("postgres"), fmt.Sprintf("pool_fleet_max_conns=%d pool_fleet_interval=200ms pool_replicas=%s:%d", limit, replica.Host, replica.Port))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var handles []*Handle
	for _, name := range []string{PGX, PQ} {
		h, err := Open(name, dsn)
		must(t, err)
		defer h.DB.Close()
		handles = append(handles, h)
	}
	var callers sync.WaitGroup
	end := make(chan struct{})
	for _, h := range handles {
		for i := range 8 * limit {
			callers.Go(func() {
				on := ctx
				if i%2 == 0 {
					on = route.Replica(ctx)
				}
				for {
					select {
					case <-end:
						return
					default:
					}
					if _, err := h.DB.ExecContext(on, "SELECT pg_sleep(0.01)"); err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	shared := func(f *fleet.Fleet) bool {
		s := f.Status()
		open := 0
		for _, m := range s.Members {
			open += m.Open
		}
		return s.Err == nil && s.Group == "default" && s.Limit == limit && len(s.Members) == 2 && open >= limit/2 && open <= limit
	}
	for _, h := range handles {
		for !shared(h.Fleet) || !shared(h.Replicas[0].Fleet) {
			if ctx.Err() != nil {
				t.Fatalf("on port %d %+v, on port %d %+v", at.Port, h.Fleet.Status(), replica.Port, h.Replicas[0].Fleet.Status())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	close(end)
	callers.Wait()
}
