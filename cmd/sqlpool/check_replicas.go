package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/progress"
	"github.com/sqlpool/go/sqlpool"
)

// replicaCheck is one server of pool_replicas, as a pool's router sees it.
type replicaCheck struct {
	Server string  `json:"server"`
	Fit    bool    `json:"fit"`              // it is read from
	Reason string  `json:"reason,omitempty"` // why not
	LagMS  float64 `json:"lag_ms"`           // behind the primary; 0 also when it is not known
	Behind int64   `json:"behind_bytes"`     // the same in bytes of WAL
}

// lookAtReplicas asks the servers of pool_replicas where they stand, until all are fit or for as long as a dial may take. A
// pool's router does it, with a connection to each server.
func (c *check) lookAtReplicas(ctx context.Context, name string, cfg sqlpool.Config, line *progress.Line) []replicaCheck {
	h, err := drivers.Open(poolDrivers[name], c.dsn(),
		drivers.Setting("pool_min_idle", 0), drivers.Setting("pool_fleet_max_conns", 0), drivers.Setting("pool_log", "off"))
	if err != nil { // read once already, by Validate
		return nil
	}
	defer func() { _ = h.DB.Close() }()
	if h.Router == nil {
		return nil
	}
	line.Show("asking the replicas how far they are")
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(cfg.ConnectTimeout, sqlpool.DefaultConnectTimeout))
	defer cancel()
	_ = h.Router.Warm(ctx) // what does not answer is told below
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		all, fit := replicasOf(h)
		if fit {
			return all
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return all
		}
	}
}

func replicasOf(h *drivers.Handle) (all []replicaCheck, fit bool) {
	fit = true
	for _, r := range h.Router.Snapshot().Replicas {
		fit = fit && r.Fit
		all = append(all, replicaCheck{
			Server: strings.TrimPrefix(r.Name, h.Name+"/replica/"), Fit: r.Fit, Reason: r.Reason, LagMS: milliseconds(r.Lag), Behind: r.Behind,
		})
	}
	return all, fit
}

func writeReplicas(b *strings.Builder, all []replicaCheck) {
	b.WriteString("\nreplicas\n")
	for _, r := range all {
		if r.Fit {
			fmt.Fprintf(b, "        %-24s is read from; %.0f ms and %d bytes behind the primary\n", r.Server, r.LagMS, r.Behind)
			continue
		}
		fmt.Fprintf(b, "        %-24s is not read from\n", r.Server)
		paragraph(b, "            ", r.Reason)
	}
}

func adviseReplicas(r *checkResult) *advice {
	if len(r.Replicas) == 0 {
		return nil
	}
	var reasons []string
	for _, replica := range r.Replicas {
		if replica.Fit {
			return nil
		}
		reasons = append(reasons, replica.Server+": "+replica.Reason)
	}
	return &advice{
		"replicas", change, "pool_replicas: servers that are replicas of this one",
		"no server of it can be read from, so that reads go to the primary, or fail with pool_without_replica=fail; " + strings.Join(reasons, "; "),
	}
}
