package route

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

// question asks a server what it is, where it stands, on which timeline and of which cluster, as text, which every mode of a
// driver returns alike. The position for writing counts what asynchronous commits have not written yet. At the beginning of a
// page or a segment of the WAL it stands behind the header, where no record can have ended and a replica arrives only with the
// next one: there the beginning counts. A replica's timeline is the newest that it is known to follow: its control file learns it
// with a restartpoint, its WAL receiver at once, but only roles with pg_read_all_stats see that.
const question = `SELECT CASE WHEN pg_is_in_recovery()
THEN 'replica ' || coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint || ' ' || greatest(
	(SELECT timeline_id FROM pg_control_checkpoint()),
	(SELECT min_recovery_end_timeline FROM pg_control_recovery()),
	(SELECT received_tli FROM pg_stat_wal_receiver))
ELSE (SELECT 'primary ' || CASE
	WHEN p % pg_size_bytes(current_setting('wal_segment_size')) = 40 THEN p - 40
	WHEN p % current_setting('wal_block_size')::bigint = 24 THEN p - 24
	ELSE p END || ' ' || ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint
	FROM (SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS p OFFSET 0) AS now)
END || ' ' || (SELECT system_identifier FROM pg_control_system())`

// answer is what a server says.
type answer struct {
	recovering bool
	lsn        uint64 // written on a primary, replayed on a replica
	timeline   uint32
	system     int64 // the cluster's identifier
}

func (r *Router) ask(c driver.Conn, limit time.Duration) (a answer, err error) {
	ctx, cancel := context.WithTimeout(r.life, limit)
	defer cancel()
	if abort := aborts(c); abort != nil { // the context may not be enough where the server is frozen
		defer context.AfterFunc(ctx, func() { _ = abort() })()
	}
	rows, err := driverx.Query(ctx, c, question, nil)
	if errors.Is(err, driver.ErrSkip) {
		var stmt driver.Stmt
		if stmt, err = driverx.Prepare(ctx, c, question); err == nil {
			defer func() { _ = stmt.Close() }() // the answer is there
			rows, err = driverx.StmtQuery(ctx, stmt, nil)
		}
	}
	if err != nil {
		return a, err
	}
	defer func() { _ = rows.Close() }() // Next has told what is wrong
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return a, err
	}
	text := fmt.Sprintf("%s", row[0])
	var role string
	if _, err := fmt.Sscanf(text, "%s %d %d %d", &role, &a.lsn, &a.timeline, &a.system); err != nil {
		return a, fmt.Errorf("route: the server's answer %q is no position: %w", text, err)
	}
	a.recovering = role == "replica"
	return a, nil
}

// note keeps an answer of the primary and reports whether it is one.
func (r *Router) note(s *server, number uint64, at time.Time, a answer, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &verdict{}
	earlier := err == nil && !a.recovering && a.system == r.origin.system && a.timeline < r.origin.timeline
	if !earlier {
		r.earlier = time.Time{}
	} else if r.earlier.IsZero() {
		r.earlier = at
	}
	switch {
	case err != nil:
		next.reason, next.refused = "it does not answer: "+err.Error(), pgerror.HasState(err)
	case a.recovering:
		next.reason, next.other = "it is in recovery: it is not the primary", true
	case earlier && at.Sub(r.earlier) < believed:
		next.reason, next.other = fmt.Sprintf("it is on timeline %d, and the primary was on %d before: it is an earlier primary", a.timeline, r.origin.timeline), true
	default:
		if a.timeline != r.origin.timeline || a.system != r.origin.system {
			r.anewLocked(earlier || a.system != r.origin.system)
		}
		r.positions.add(position{number, at, a.lsn})
		r.origin = a
		s.seen.Store(&a)
	}
	r.announceLocked(s, next)
	return next.reason == ""
}

// anewLocked is called when the primary is on another timeline: what a replica lacks is counted from now on. After a
// promotion the positions stay, because what a replica of the new timeline has of them is what was not lost.
func (r *Router) anewLocked(another bool) {
	if another {
		r.positions = nil
	}
	for _, s := range r.servers {
		s.lacks = position{}
	}
}
