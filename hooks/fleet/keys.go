package fleet

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Advisory locks are numbers of 64 bits, of which pg_locks shows the halves as classid
// and objid. A group has three classes, drawn from its name:
//
//	class of sessions   objid is the member's number: each of its connections holds it
//	class of sequences  objid is the number of a publication
//	class of contents   objid is what it says (see publication)
//
// All are shared locks, taken without waiting: an unrelated program that happens to
// use the same number neither waits for them nor makes a member wait. What such a
// program holds passes for a member with one connection.
type classes struct{ sessions, sequences, contents uint32 }

func classesOf(group string) classes {
	h := fnv.New64a()
	_, _ = h.Write([]byte("sqlpool fleet\x00" + group)) // never fails
	base := uint32(h.Sum64()>>32) &^ 3
	if base == 0 || base == 0xFFFFFFFC { // where small numbers stand that programs choose by hand
		base = 0x5F1EE700
	}
	return classes{base, base + 1, base + 2}
}

// key is the number that the SQL functions take.
func key(class, object uint32) string {
	return strconv.FormatInt(int64(uint64(class)<<32|uint64(object)), 10)
}

// A publication is what a member lets the others know. One of its sessions holds the
// locks of the newest; older ones, on sessions that were busy since, are passed over.
type publication struct {
	seq     uint32
	cap     int // what the member allows itself, or has
	want    int
	leaving bool
}

// MostConns is the largest limit: what a publication can carry.
const MostConns = 1<<15 - 1

func (p publication) content() uint32 {
	c := uint32(min(p.cap, MostConns))<<16 | uint32(min(p.want, MostConns))<<1
	if p.leaving {
		c |= 1
	}
	return c
}

func publicationOf(seq, content uint32) publication {
	return publication{
		seq: seq, cap: int(content >> 16), want: int(content >> 1 & MostConns),
		leaving: content&1 != 0,
	}
}

// row is one member in a reading.
type row struct {
	member uint32
	open   int
	newest publication // seq is zero when there is none
}

// query asks for one row a member: its number, its sessions, its publications as
// "sequence:content" with commas between, and whether this session is among them. pg_locks is read once, which makes it one
// instant. While a session goes from one publication to the next it holds both: the
// larger content counts, and cap is in its highest bits.
func (c classes) query(everywhere bool) string {
	where := ""
	if !everywhere {
		where = " AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())"
	}
	return strings.NewReplacer("{s}", decimal(c.sessions), "{q}", decimal(c.sequences), "{c}", decimal(c.contents), "{where}", where).Replace(
		`WITH locks AS MATERIALIZED (SELECT l.pid, l.classid::bigint AS class, l.objid::bigint AS object FROM pg_catalog.pg_locks l ` +
			`WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ShareLock' AND l.granted ` +
			`AND l.classid::bigint BETWEEN {s} AND {c}{where}), ` +
			`sessions AS (SELECT pid, pg_catalog.max(object) FILTER (WHERE class = {s}) AS member, ` +
			`pg_catalog.max(object) FILTER (WHERE class = {q}) AS seq, pg_catalog.max(object) FILTER (WHERE class = {c}) AS content ` +
			`FROM locks GROUP BY pid) ` +
			`SELECT member::text, pg_catalog.count(*)::text, ` +
			`coalesce(pg_catalog.string_agg(seq::text || ':' || content::text, ','), ''), ` +
			`(pg_catalog.count(*) FILTER (WHERE pid = pg_catalog.pg_backend_pid()))::text ` +
			`FROM sessions WHERE member IS NOT NULL GROUP BY member`)
}

// clear drops every publication of this session, each lock as often as it is held: the
// server counts that and does not show it. The last try for each is a warning of the
// server's.
func (c *classes) clear() string {
	return strings.NewReplacer("{q}", decimal(c.sequences), "{c}", decimal(c.contents), "{drop}", unlock).Replace(
		`WITH RECURSIVE mine AS MATERIALIZED (SELECT l.classid::bigint << 32 | l.objid::bigint AS key FROM pg_catalog.pg_locks l ` +
			`WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.mode = 'ShareLock' AND l.granted ` +
			`AND l.pid = pg_catalog.pg_backend_pid() AND l.classid::bigint BETWEEN {q} AND {c}), ` +
			`dropped (key, held) AS (SELECT key, {drop}key) FROM mine UNION ALL SELECT key, {drop}key) FROM dropped WHERE held) ` +
			`SELECT pg_catalog.count(*) FROM dropped`)
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// rowOf reads one row of the query's answer, and whether this session is among those of
// the member.
func rowOf[V any](answer []V) (r row, here bool, err error) {
	if len(answer) != 4 {
		return row{}, false, errors.New("fleet: the server does not answer as PostgreSQL does")
	}
	var text [4]string
	for i, v := range answer {
		if b, ok := any(v).([]byte); ok {
			text[i] = string(b)
		} else {
			text[i] = fmt.Sprint(v)
		}
	}
	member, err1 := strconv.ParseUint(text[0], 10, 32)
	open, err2 := strconv.Atoi(text[1])
	if err := errors.Join(err1, err2); err != nil {
		return row{}, false, fmt.Errorf("fleet: %w", err)
	}
	return row{member: uint32(member), open: open, newest: newestOf(text[2])}, text[3] != "0", nil
}

// newestOf reads the publications of one row.
func newestOf(text string) (newest publication) {
	for each := range strings.SplitSeq(text, ",") {
		seq, content, ok := strings.Cut(each, ":")
		s, err1 := strconv.ParseUint(seq, 10, 32)
		c, err2 := strconv.ParseUint(content, 10, 32)
		if ok && err1 == nil && err2 == nil && uint32(s) > newest.seq {
			newest = publicationOf(uint32(s), uint32(c))
		}
	}
	return newest
}
