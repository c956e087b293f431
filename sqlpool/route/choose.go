package route

import (
	"fmt"
	"math/bits"
	"strings"
)

// A NoReplicaError is a read that was refused, because no replica was fit (Config.WithoutReplica is Fail), or because
// none was known to have what the read's session has written, and the server in the place of the primary was not the primary.
type NoReplicaError struct {
	Primary  *ServerStatus  // as it stood, where it was to serve; nil with Fail
	Replicas []ServerStatus // as they stood
	Err      error          // what the last replica that was tried said, or nil
}

// Error names each replica and why it was passed over.
func (e *NoReplicaError) Error() string {
	var b strings.Builder
	if e.Primary != nil {
		fmt.Fprintf(&b, "route: no replica is known to have what the session has written, and the primary %q cannot be read from: %s", e.Primary.Name, e.Primary.Reason)
	} else {
		b.WriteString("route: no replica is fit to be read from, and Config.WithoutReplica is Fail")
	}
	for _, s := range e.Replicas {
		fmt.Fprintf(&b, "; %q: ", s.Name)
		switch {
		case !s.Fit:
			b.WriteString(s.Reason)
		case e.Primary != nil:
			b.WriteString("it is fit, but not for this session")
		default:
			b.WriteString("it is fit, but had no connection")
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *NoReplicaError) Unwrap() error { return e.Err }

// choose picks the server for a read: of the replicas that may serve it, the one whose turn it is, or the next if that has
// not half as much to do, so that a slow one gets less and chance evens out. tried is a set of servers that are left out
// because of err.
func (r *Router) choose(m *mark, tried uint64, err error) (*server, error) {
	fit, behind := uint64(0), false
	for _, s := range r.replicas() {
		switch {
		case tried&s.bit() != 0 || !s.fit():
		case m.session != nil && !m.session.hasReached(r, s):
			behind = true // fit, for others
		default:
			fit |= s.bit()
		}
	}
	switch {
	case fit != 0:
		return r.lessLoaded(fit), nil
	case !behind && r.cfg.WithoutReplica == Fail:
		return nil, &NoReplicaError{Replicas: r.Snapshot().Replicas, Err: err}
	case m.session != nil && r.primary().verdict.Load().other && m.session.of(r).needs():
		now := r.Snapshot()
		return nil, &NoReplicaError{Primary: &now.Primary, Replicas: now.Replicas, Err: err}
	}
	return r.primary(), nil
}

// lessLoaded picks one of a set of servers that is not empty. Turns are counted within the set: were they counted among
// all, those of a replica that is passed over would be its neighbour's.
func (r *Router) lessLoaded(set uint64) *server {
	turn := r.turn.Add(1) % uint64(bits.OnesCount64(set))
	rest := set
	for range turn {
		rest &= rest - 1 // without its lowest bit
	}
	first := r.servers[bits.TrailingZeros64(rest)]
	if rest &= rest - 1; rest == 0 {
		rest = set
	}
	if next := r.servers[bits.TrailingZeros64(rest)]; first.load.Load() > 2*next.load.Load()+1 {
		return next
	}
	return first
}

func (s *server) bit() uint64 { return 1 << s.index }

func (s *server) isPrimary() bool { return s.index == 0 }
