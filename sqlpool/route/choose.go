package route

import (
	"fmt"
	"strings"
)

// A NoReplicaError is a read that was refused because no replica was fit (Config.WithoutReplica is Fail).
type NoReplicaError struct {
	Replicas []ServerStatus // as they stood
	Err      error          // what the last replica that was tried said, or nil
}

// Error names each replica and why it was passed over.
func (e *NoReplicaError) Error() string {
	var b strings.Builder
	b.WriteString("route: no replica is fit to be read from, and Config.WithoutReplica is Fail")
	for _, s := range e.Replicas {
		fmt.Fprintf(&b, "; %q: ", s.Name)
		if s.Fit {
			b.WriteString("it is fit, but had no connection")
		} else {
			b.WriteString(s.Reason)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *NoReplicaError) Unwrap() error { return e.Err }

// choose picks the server for a read: of the next two replicas that may serve it the first, or the second if that has not
// half as much to do, so that a slow one gets less and chance evens out. tried is a set of servers that are left out because
// of err.
func (r *Router) choose(m *mark, tried uint64, err error) (*server, error) {
	replicas := r.replicas()
	turn := r.turn.Add(1)
	var best *server
	compared, behind := 0, false
	for i := range uint64(len(replicas)) {
		s := replicas[(turn+i)%uint64(len(replicas))]
		switch {
		case tried&s.bit() != 0 || !s.fit():
		case m.session != nil && !m.session.hasReached(r, s):
			behind = true // fit, for others
		default:
			if best == nil || best.load.Load() > 2*s.load.Load()+1 {
				best = s
			}
			if compared++; compared == 2 {
				return best, nil
			}
		}
	}
	switch {
	case best != nil:
		return best, nil
	case behind || r.cfg.WithoutReplica == UsePrimary:
		return r.primary(), nil
	}
	return nil, &NoReplicaError{Replicas: r.Snapshot().Replicas, Err: err}
}

func (s *server) bit() uint64 { return 1 << s.index }

func (s *server) isPrimary() bool { return s.index == 0 }
