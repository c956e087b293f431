//go:build unix

package lazybegin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sqlpool/go/drivers/internal/lazybegin"
	"github.com/sqlpool/go/internal/pgserver"
)

// session is a connection to a real server through a Filter.
type session struct {
	*testing.T
	pg     *pgconn.PgConn
	filter *lazybegin.Filter
	heard  []string // notices and notifications
	cuts   bool     // what the driver writes now comes in pieces
	turns  int      // times that something was written after something was read
}

// cut gives its reader and writer pieces of a few bytes, and counts the turns.
type cut struct {
	net.Conn
	size    int // 0: uncut
	turns   *int
	writing atomic.Bool
}

func (c *cut) Read(b []byte) (int, error) {
	if c.size > 0 {
		b = b[:min(len(b), c.size)]
	}
	n, err := c.Conn.Read(b)
	c.writing.Store(false)
	return n, err
}

func (c *cut) Write(b []byte) (int, error) {
	if !c.writing.Swap(true) {
		*c.turns++
	}
	return c.Conn.Write(b)
}

// pieces writes in pieces.
type pieces struct {
	w    io.Writer
	size int
}

func (p pieces) Write(b []byte) (int, error) {
	done := 0
	for size := p.size; done < len(b); {
		if size == 0 || len(b)-done == 5 && b[0] == 'X' {
			size = len(b)
		}
		n, err := p.w.Write(b[done:min(len(b), done+size)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// open connects with the server's answers cut into pieces, and the driver's messages behind
// BEGIN as well.
func open(t *testing.T, dsn string, size int) *session {
	t.Helper()
	s := &session{T: t}
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		return &cut{Conn: c, size: size, turns: &s.turns}, err
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.heard = append(s.heard, n.Message) }
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { s.heard = append(s.heard, n.Payload) }
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		s.filter = lazybegin.New(r, w)
		return pgproto3.NewFrontend(s.filter, writer(func(b []byte) (int, error) {
			if s.cuts {
				return pieces{s.filter, size}.Write(b)
			}
			return s.filter.Write(b)
		}))
	}
	if s.pg, err = pgconn.ConnectConfig(s.ctx(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.pg.Close(context.Background()) })
	return s
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func (s *session) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s.Cleanup(cancel)
	return ctx
}

func (s *session) begin(text string) {
	s.Helper()
	s.cuts = false
	defer func() { s.cuts = true }()
	defer s.filter.Arm()()
	if _, err := s.pg.Exec(s.ctx(), text).ReadAll(); err != nil {
		s.Fatal(err)
	}
	if !s.filter.Held() || s.pg.TxStatus() != 'T' {
		s.Fatalf("BEGIN: held %v, status %c", s.filter.Held(), s.pg.TxStatus())
	}
}

// first is a way to send the first statement of a transaction: it inserts 1 and
// returns the rows that come back.
type first struct {
	name string
	text string
	do   func(s *session, text string) (rows int, err error)
}

func simple(s *session, text string) (int, error) {
	results, err := s.pg.Exec(s.ctx(), text).ReadAll()
	if err != nil {
		return 0, err
	}
	return len(results[0].Rows), nil
}

var firsts = []first{
	{"simple", "INSERT INTO t VALUES (1) RETURNING n", simple},
	{"simple, with a string", "INSERT INTO t VALUES (length(';')) RETURNING n;", simple},
	{"simple, two statements", "INSERT INTO t VALUES (1) RETURNING n; SELECT 2", simple},
	{"simple, not known", "DO $$ BEGIN INSERT INTO t VALUES (1); END $$; SELECT 1", func(s *session, text string) (int, error) {
		results, err := s.pg.Exec(s.ctx(), text).ReadAll()
		if err != nil {
			return 0, err
		}
		return len(results[1].Rows), nil
	}},
	{"simple, a comment, then rows", "-- who asks\nSELECT n FROM t; INSERT INTO t VALUES (1); SELECT 1", func(s *session, text string) (int, error) {
		results, err := s.pg.Exec(s.ctx(), text).ReadAll()
		if err != nil {
			return 0, err
		}
		return len(results[2].Rows), nil
	}},
	{"extended", "INSERT INTO t VALUES ($1) RETURNING n", func(s *session, text string) (int, error) {
		result := s.pg.ExecParams(s.ctx(), text, [][]byte{[]byte("1")}, nil, nil, nil).Read()
		return len(result.Rows), result.Err
	}},
	{"prepared first", "INSERT INTO t VALUES ($1) RETURNING n", func(s *session, text string) (int, error) {
		if _, err := s.pg.Prepare(s.ctx(), "named", text, nil); err != nil {
			return 0, err
		}
		result := s.pg.ExecPrepared(s.ctx(), "named", [][]byte{[]byte("1")}, nil, nil).Read()
		return len(result.Rows), result.Err
	}},
	{"a batch with several syncs", "INSERT INTO t VALUES ($1) RETURNING n", func(s *session, text string) (rows int, err error) {
		p := s.pg.StartPipeline(s.ctx())
		p.SendQueryParams(text, [][]byte{[]byte("1")}, nil, nil, nil)
		p.SendPipelineSync()
		p.SendQueryParams("INSERT INTO t VALUES (2)", nil, nil, nil, nil)
		if err := p.Sync(); err != nil {
			return 0, err
		}
		for !s.pg.IsClosed() {
			results, got := p.GetResults()
			switch r := results.(type) {
			case *pgconn.ResultReader:
				read := r.Read()
				rows += len(read.Rows)
				got = errors.Join(got, read.Err)
			case nil:
				if got == nil {
					return rows, errors.Join(err, p.Close())
				}
			}
			if err == nil {
				err = got
			}
		}
		return rows, err
	}},
	{"COPY", "COPY t FROM STDIN", func(s *session, text string) (int, error) {
		tag, err := s.pg.CopyFrom(s.ctx(), strings.NewReader("1\n"), text)
		return int(tag.RowsAffected()), err
	}},
	{"COPY out", "COPY (INSERT INTO t VALUES (1) RETURNING n) TO STDOUT", func(s *session, text string) (int, error) {
		tag, err := s.pg.CopyTo(s.ctx(), io.Discard, text)
		return int(tag.RowsAffected()), err
	}},
	{"shown", "INSERT INTO t VALUES (1) RETURNING n", func(s *session, text string) (int, error) {
		s.filter.Show(func(begin string) { _ = s.pg.Exec(s.ctx(), begin).Close() })
		return simple(s, text)
	}},
	{"a statement is closed first", "INSERT INTO t VALUES ($1) RETURNING n", func(s *session, text string) (int, error) {
		if err := s.pg.Deallocate(s.ctx(), "named"); err != nil || s.pg.TxStatus() != 'T' || !s.filter.Held() {
			return 0, fmt.Errorf("closed: %w, status %c, held %v", err, s.pg.TxStatus(), s.filter.Held())
		}
		result := s.pg.ExecParams(s.ctx(), text, [][]byte{[]byte("1")}, nil, nil, nil).Read()
		return len(result.Rows), result.Err
	}},
}

func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

// Whatever comes first, in whatever pieces, runs inside the transaction: it is there
// after COMMIT and gone after ROLLBACK.
func TestTheFirstStatementRunsInItsTransaction(t *testing.T) {
	dsn := pgserver.Database(t)
	console := pgserver.NewConsole(dsn)
	ctx := context.Background()
	if err := console.Exec(ctx, "CREATE TABLE t (n int)"); err != nil {
		t.Fatal(err)
	}
	look, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(ctx)
	for _, size := range []int{0, 1, 3, 7} {
		s := open(t, dsn, size)
		for _, clean := range []bool{true, false} {
			s.filter.Clean = func() bool { return clean }
			for _, f := range firsts {
				for _, end := range []string{"commit", "rollback"} {
					name := fmt.Sprintf("%s, pieces of %d, clean %v, %s", f.name, size, clean, end)
					s.begin("begin isolation level repeatable read")
					if begun, sent := s.filter.Progress(); begun || sent {
						t.Errorf("%s: progress %v %v", name, begun, sent)
					}
					rows, err := f.do(s, f.text)
					if err != nil || rows != 1 {
						t.Fatalf("%s: %d rows, %v", name, rows, err)
					}
					if begun, sent := s.filter.Progress(); !begun || !sent || s.pg.TxStatus() != 'T' {
						t.Errorf("%s: progress %v %v, status %c", name, begun, sent, s.pg.TxStatus())
					}
					if _, err := s.pg.Exec(ctx, end).ReadAll(); err != nil || s.pg.TxStatus() != 'I' {
						t.Fatalf("%s: %v, status %c", name, err, s.pg.TxStatus())
					}
					want := map[string]string{"commit": "t", "rollback": "f"}[end]
					seen, err := look.Exec(ctx, "SELECT count(*) > 0 FROM t; DELETE FROM t").ReadAll()
					if err != nil || string(seen[0].Rows[0][0]) != want {
						t.Fatalf("%s: rows are there: %v, want %s (%v)", name, seen, want, err)
					}
					_ = s.pg.Deallocate(ctx, "named")
				}
			}
		}
	}
}

// A BEGIN that the server refuses: its error is the statement's, nothing runs, and
// until its end the transaction is one that has failed.
func TestNothingRunsAfterARefusedBegin(t *testing.T) {
	dsn := pgserver.Database(t)
	console := pgserver.NewConsole(dsn)
	ctx := context.Background()
	if err := console.Exec(ctx, "CREATE TABLE t (n int)"); err != nil {
		t.Fatal(err)
	}
	look, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(ctx)
	for _, size := range []int{0, 1, 3, 7} {
		s := open(t, dsn, size)
		for _, clean := range []bool{true, false} {
			s.filter.Clean = func() bool { return clean }
			for _, f := range firsts {
				for _, end := range []string{"commit", "rollback"} {
					name := fmt.Sprintf("%s, pieces of %d, clean %v, %s", f.name, size, clean, end)
					s.begin("begin isolation level of another world")
					if _, err := f.do(s, f.text); state(err) != "42601" || s.pg.TxStatus() != 'E' {
						t.Fatalf("%s: %v, status %c, want 42601", name, err, s.pg.TxStatus())
					}
					if begun, _ := s.filter.Progress(); begun {
						t.Errorf("%s: begun", name)
					}
					for _, again := range firsts[:7] {
						if _, err := again.do(s, again.text); state(err) != "25P02" || s.pg.TxStatus() != 'E' {
							t.Fatalf("%s, then %s: %v, status %c", name, again.name, err, s.pg.TxStatus())
						}
					}
					if err := s.pg.Deallocate(ctx, "named"); err != nil || s.pg.TxStatus() != 'E' {
						t.Fatalf("%s: Close: %v, status %c", name, err, s.pg.TxStatus())
					}
					results, err := s.pg.Exec(ctx, end).ReadAll()
					if err != nil || s.pg.TxStatus() != 'I' || results[0].CommandTag.String() != "ROLLBACK" {
						t.Fatalf("%s: %v %v, status %c", name, results, err, s.pg.TxStatus())
					}
					if seen, err := look.Exec(ctx, "SELECT count(*) FROM t").ReadAll(); err != nil || string(seen[0].Rows[0][0]) != "0" {
						t.Fatalf("%s: %v rows were written outside of the transaction (%v)", name, seen, err)
					}
					if _, err := s.pg.Exec(ctx, "SELECT 1").ReadAll(); err != nil {
						t.Fatalf("%s: afterwards: %v", name, err)
					}
				}
			}
		}
	}
}

// A statement's own error behind a good BEGIN leaves a transaction that has failed on the server.
func TestTheFirstStatementsOwnError(t *testing.T) {
	s := open(t, pgserver.Database(t), 0)
	for _, text := range []string{"SELECT 1/0", "SELECT nonsense", "nonsense", "SELECT 1/0; SELECT 2", "SELECT n FROM generate_series(1, 3) n WHERE 1/(n-2) < 9"} {
		s.begin("BEGIN")
		if _, err := s.pg.Exec(s.ctx(), text).ReadAll(); len(state(err)) != 5 || s.pg.TxStatus() != 'E' {
			t.Errorf("%s: %v, status %c", text, err, s.pg.TxStatus())
		}
		if begun, sent := s.filter.Progress(); !begun || !sent {
			t.Errorf("%s: progress %v %v", text, begun, sent)
		}
		if _, err := s.pg.Exec(s.ctx(), "ROLLBACK").ReadAll(); err != nil || s.pg.TxStatus() != 'I' {
			t.Errorf("%s: %v, status %c", text, err, s.pg.TxStatus())
		}
	}
}

// Turns on the wire: n+1 for n statements, none without a statement.
func TestRoundTrips(t *testing.T) {
	s := open(t, pgserver.Database(t), 0)
	for n := range 5 {
		for _, end := range []string{"COMMIT", "rollback", "END", "abort transaction;"} {
			for _, do := range []func(){
				func() { _, _ = simple(s, "SELECT 1") },
				func() { s.pg.ExecParams(s.ctx(), "SELECT $1::int", [][]byte{[]byte("1")}, nil, nil, nil).Read() },
			} {
				before := s.turns
				s.begin("BEGIN")
				for range n {
					do()
				}
				results, err := s.pg.Exec(s.ctx(), end).ReadAll()
				if err != nil || s.pg.TxStatus() != 'I' {
					t.Fatal(err, s.pg.TxStatus())
				}
				if tag := results[0].CommandTag.String(); (tag == "COMMIT") != (end == "COMMIT" || end == "END") {
					t.Errorf("%s: tag %s", end, tag)
				}
				want := 0
				if n > 0 {
					want = n + 1
				}
				if got := s.turns - before; got != want {
					t.Errorf("%d statements, %s: %d round trips, want %d", n, end, got, want)
				}
			}
		}
	}
}

// What the server sends on its own accord comes through, and in its order.
func TestNoticesNotificationsAndSettingsComeThrough(t *testing.T) {
	dsn := pgserver.Database(t)
	console := pgserver.NewConsole(dsn)
	for _, size := range []int{0, 1, 3, 7} {
		for _, clean := range []bool{true, false} {
			s := open(t, dsn, size)
			s.filter.Clean = func() bool { return clean }
			exec := func(text string) {
				if _, err := s.pg.Exec(s.ctx(), text).ReadAll(); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
			}
			exec("LISTEN news")
			s.begin("BEGIN")
			if err := console.Exec(s.ctx(), "NOTIFY news, 'in between'"); err != nil {
				t.Fatal(err)
			}
			exec("SET TIME ZONE 'Asia/Tokyo'")
			exec("COMMIT")
			s.begin("BEGIN")
			exec("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
			exec("SELECT pg_notify('news', 'my own')")
			exec("COMMIT")
			if zone := s.pg.ParameterStatus("TimeZone"); zone != "Asia/Tokyo" {
				t.Errorf("pieces of %d: TimeZone %q", size, zone)
			}
			if got := strings.Join(s.heard, ", "); got != "in between, hello, my own" {
				t.Errorf("pieces of %d: heard %q", size, got)
			}
		}
	}
}
