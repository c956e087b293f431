package bench

import (
	"context"
	"strings"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// lab is a run under way.
type lab struct {
	Options
	report *Report

	server    *pgserver.Server // started when the first workload asks for it
	hasTables bool
	done      float64 // cost of the workloads that are over
	total     float64
	now       workload
	after     func() // told of each turn; may be nil
	stepped   int
	steps     int // of the present workload; 0 when not known
}

// expect says how many turns the present workload will take.
func (l *lab) expect(steps int) { l.steps = steps }

// step counts one turn.
func (l *lab) step() {
	if l.after != nil {
		l.after()
	}
	l.stepped++
	if l.steps > 0 {
		l.tell(min(float64(l.stepped)/float64(l.steps), 1))
	}
}

func (l *lab) tell(share float64) {
	if l.Progress != nil {
		l.Progress(l.now.name, (l.done+share*l.now.cost)/l.total)
	}
}

// long is a stretch's length.
func (l *lab) long(d time.Duration) time.Duration { return time.Duration(float64(d) * l.Scale) }

// less is n, or fewer when the run is short.
func (l *lab) less(n, short int) int {
	if l.Short {
		return short
	}
	return n
}

// postgres is the run's private server. Autovacuum is off: it would work in
// some contender's turn and not in another's.
func (l *lab) postgres(ctx context.Context) (*pgserver.Server, error) {
	if l.server != nil {
		return l.server, nil
	}
	s, err := pgserver.Start(ctx, pgserver.Options{
		MaxConnections: 400,
		Settings:       map[string]string{"autovacuum": "off", "shared_buffers": "128MB", "max_wal_size": "4GB"},
	})
	if err != nil {
		return nil, err
	}
	l.server = s
	rows, err := s.Query(ctx, "SHOW server_version")
	if err != nil {
		return nil, err
	}
	l.report.Postgres = strings.Fields(rows[0][0])[0]
	return s, nil
}
