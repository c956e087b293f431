package route

import (
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A Snapshot is how the servers of a router stand.
type Snapshot struct {
	Primary  ServerStatus
	Replicas []ServerStatus // in the order of Config.Replicas
}

// ServerStatus is one server of a router.
type ServerStatus struct {
	Name   string // of its pool
	Fit    bool   // a replica may be read from; the primary has answered as one
	Reason string // why it is not fit; empty when it is. It may hold the text of a driver's error

	Lag    time.Duration // of a replica: how far it is behind the primary; zero when it has all that is known of
	Behind int64         // of a replica: the same in bytes of WAL
	LSN    uint64        // written on the primary, replayed on a replica; zero before the first answer

	// Timeline is that of the primary, or the newest that a replica is known to follow; zero before the first answer.
	Timeline uint32

	// Load is how many operations, transactions and *sql.Conn are on it. Those below a wrapper that hides driver.Validator, and
	// with it their end, are not counted; such reads take turns whatever else a replica has to do.
	Load  int64
	Lends uint64 // how many have been

	Pool sqlpool.Stats // of its pool
}

// Snapshot returns how the servers stand, by their last answers.
func (r *Router) Snapshot() Snapshot {
	var all []ServerStatus
	for _, s := range r.servers {
		v, seen := s.verdict.Load(), s.seen.Load()
		all = append(all, ServerStatus{
			Name: s.pool.Name(), Fit: v.reason == "", Reason: v.reason, Lag: v.lag, Behind: v.bytes,
			LSN: seen.lsn, Timeline: seen.timeline, Load: s.load.Load(), Lends: s.lends.Load(), Pool: s.pool.Stats(),
		})
	}
	return Snapshot{Primary: all[0], Replicas: all[1:]}
}
