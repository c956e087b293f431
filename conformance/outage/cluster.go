//go:build unix

package outage

import (
	"context"
	"errors"

	"github.com/sqlpool/go/conformance/outage/patroni"
)

// callersDatabase has the callers' table. Their sessions are known by it, behind
// a PgBouncer too.
const callersDatabase = "callers"

// A Cluster is a cluster on which one measurement follows another.
type Cluster struct{ *patroni.Cluster }

// NewCluster starts a cluster with the callers' database.
func NewCluster(ctx context.Context) (*Cluster, error) {
	c, err := patroni.Start(ctx)
	if err != nil {
		return nil, err
	}
	standing, err := c.Standing(ctx)
	if err == nil {
		err = standing.Leader.Console("postgres").Exec(ctx, "CREATE DATABASE "+callersDatabase)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Cluster{c}, nil
}

// Roles are what the nodes of a cluster are when a measurement begins.
type Roles struct {
	*patroni.Cluster
	Leader *patroni.Node
	Sync   *patroni.Node // the synchronous standby
	Other  *patroni.Node
}

// roles waits until the cluster is whole and gives it an empty table.
func (c *Cluster) roles(ctx context.Context) (Roles, error) {
	if err := c.Whole(ctx); err != nil {
		return Roles{}, err
	}
	standing, err := c.Standing(ctx)
	if err != nil {
		return Roles{}, err
	}
	if standing.Leader == nil || standing.Sync == nil {
		return Roles{}, errors.New("outage: the cluster has changed again")
	}
	r := Roles{Cluster: c.Cluster, Leader: standing.Leader, Sync: standing.Sync}
	for _, n := range c.Nodes {
		if n != r.Leader && n != r.Sync {
			r.Other = n
		}
	}
	return r, r.Leader.Console(callersDatabase).Exec(ctx,
		"DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (token bigint NOT NULL, caller int)")
}
