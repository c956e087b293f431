//go:build unix

package outage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sqlpool/go/conformance/outage/bouncer"
	"github.com/sqlpool/go/conformance/outage/patroni"
	"github.com/sqlpool/go/internal/pgserver"
)

// A Way is how callers reach the leader.
type Way struct {
	Name  string
	What  string // in one sentence
	Moves string // the only move that it is measured on; empty for all

	// open sets up what stands between, and returns the callers' connection string
	// and what ends it.
	open func(ctx context.Context, c Roles) (dsn string, end func() error, err error)
}

// Ways are all of them.
func Ways() []Way {
	return []Way{
		{Name: "hosts", What: "The connection string names all three nodes, the leader first, and has `target_session_attrs=read-write`.",
			open: func(_ context.Context, c Roles) (string, func() error, error) {
				var ports []string
				for _, n := range []*patroni.Node{c.Leader, c.Sync, c.Other} {
					ports = append(ports, strconv.Itoa(n.Endpoint().Port))
				}
				return callersDSN(0) + fmt.Sprintf(" host=127.0.0.1,127.0.0.1,127.0.0.1 port=%s %s", strings.Join(ports, ","), readWrite), func() error { return nil }, nil
			}},
		{Name: "HAProxy", What: "HAProxy asks each Patroni every second who leads, and closes the sessions of a node that leads no more (`on-marked-down shutdown-sessions`); `target_session_attrs=read-write`.",
			open: behindBalancer(patroni.Balancer{Cuts: true, Checks: quickChecks}, readWrite)},
		{Name: "PgBouncer", What: "A PgBouncer (session mode) before that HAProxy; `target_session_attrs=read-write`.",
			open: func(ctx context.Context, c Roles) (string, func() error, error) {
				port, end, err := c.Balance(ctx, patroni.Balancer{Cuts: true, Checks: quickChecks})
				if err != nil {
					return "", nil, err
				}
				b, err := bouncer.Start(ctx, port, manyClients)
				if err != nil {
					return "", nil, errors.Join(err, end())
				}
				return callersDSN(b.Port()) + " " + readWrite, func() error { return errors.Join(b.Close(), end()) }, nil
			}},
		{Name: "HAProxy that cuts nothing", What: "HAProxy without `on-marked-down shutdown-sessions`, which asks every 3 s and believes the third failed answer, as in Patroni's example; `target_session_attrs=read-write`.",
			Moves: "switchover", open: behindBalancer(patroni.Balancer{Checks: usualChecks}, readWrite)},
		{Name: "HAProxy that cuts nothing, any server", What: "The same without `target_session_attrs`.",
			Moves: "switchover", open: behindBalancer(patroni.Balancer{Checks: usualChecks}, "")},
	}
}

const (
	readWrite = "target_session_attrs=read-write"

	quickChecks = "inter 1s fall 2 rise 1"
	usualChecks = "inter 3s fall 3 rise 2" // those of Patroni's example
)

func callersDSN(port int) string {
	return pgserver.Endpoint{Host: "127.0.0.1", Port: port, User: "postgres"}.
		With("sslmode", "disable").With("connect_timeout", "2").KeyValue(callersDatabase)
}

func behindBalancer(b patroni.Balancer, attrs string) func(context.Context, Roles) (string, func() error, error) {
	return func(ctx context.Context, c Roles) (string, func() error, error) {
		port, end, err := c.Balance(ctx, b)
		return callersDSN(port) + " " + attrs, end, err
	}
}
