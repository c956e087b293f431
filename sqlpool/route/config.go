package route

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/sqlpool/go/sqlpool"
)

// DefaultMaxLag is Config.MaxLag where that is zero.
const DefaultMaxLag = 5 * time.Second

// maxReplicas is how many bits a set of servers has, without the primary's.
const maxReplicas = 63

// Config is what a Router is made of.
type Config struct {
	// Primary takes all that is not sent to a replica. Required.
	Primary *sqlpool.Pool

	// Replicas are the pools of streaming replicas of the primary, one for each server, at most 63.
	// With none, everything goes to the primary.
	Replicas []*sqlpool.Pool

	// MaxLag is how far behind the primary a replica may be to be read from. Zero is DefaultMaxLag.
	MaxLag time.Duration

	// WithoutReplica says what becomes of a read when no replica is fit.
	WithoutReplica WithoutReplica
}

// WithoutReplica is what becomes of a read for which no replica is fit.
type WithoutReplica int

const (
	// UsePrimary sends it to the primary.
	UsePrimary WithoutReplica = iota
	// Fail refuses it with a *NoReplicaError. A read that a session's own writes keep off the replicas still goes to the
	// primary.
	Fail
)

// Validate returns all that is wrong with the configuration as a *multierror.Error, or nil.
func (c *Config) Validate() error {
	var all *multierror.Error
	seen := map[*sqlpool.Pool]bool{c.Primary: true}
	if c.Primary == nil {
		all = multierror.Append(all, errors.New("route: Config.Primary is nil: it must be the pool of the server that takes writes"))
	}
	for i, p := range c.Replicas {
		switch {
		case p == nil:
			all = multierror.Append(all, fmt.Errorf("route: Config.Replicas[%d] is nil: leave it out", i))
		case seen[p]:
			all = multierror.Append(all, fmt.Errorf("route: Config.Replicas[%d] is the pool %q, which is given twice: each server needs a pool of its own", i, p.Name()))
		}
		seen[p] = true
	}
	if len(c.Replicas) > maxReplicas {
		all = multierror.Append(all, fmt.Errorf("route: Config.Replicas has %d pools: it must have at most %d", len(c.Replicas), maxReplicas))
	}
	if c.MaxLag < 0 {
		all = multierror.Append(all, fmt.Errorf("route: Config.MaxLag is %v: it must be positive, or 0 for %v", c.MaxLag, DefaultMaxLag))
	}
	if c.WithoutReplica != UsePrimary && c.WithoutReplica != Fail {
		all = multierror.Append(all, fmt.Errorf("route: Config.WithoutReplica is %d: it must be UsePrimary or Fail", c.WithoutReplica))
	}
	return all.ErrorOrNil()
}
