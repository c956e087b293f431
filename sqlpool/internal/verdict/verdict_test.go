package verdict

import (
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

const (
	statement   = pgerror.Statement
	conn        = pgerror.Conn
	fatal       = pgerror.Fatal
	readOnly    = pgerror.ReadOnly
	unavailable = pgerror.Unavailable
	permanent   = pgerror.Permanent
)

func TestVerdicts(t *testing.T) {
	keep := Verdict{Conn: statement, Used: true}
	lost := Verdict{Conn: fatal, Used: true, Lost: true, Tell: TellLost}
	unknown := lost
	unknown.Unknown = true
	last := Verdict{Conn: fatal, Used: true, Lost: true, Unknown: true} // the server's last word is told
	move := Verdict{Again: Elsewhere, Conn: fatal, Unborn: true}
	cut := Verdict{Conn: conn, Cause: CauseContext, Used: true, Lost: true, Tell: TellContext}

	for _, row := range []struct {
		what string
		f    Facts
		want Verdict
	}{
		{"the statement's own failure", Facts{Class: statement, Answer: true, Says: SaysReady, Sent: true}, keep},
		{"an argument that was refused, whatever the refusal looks like", Facts{Class: fatal, Refused: true}, Verdict{Conn: statement}},
		{"the driver's own complaint, nothing wrong with the connection", Facts{Class: statement, Says: SaysReady}, keep},
		{"a stale statement", Facts{Class: statement, Answer: true, Says: SaysReady, Sent: true, Stale: true}, Verdict{Conn: statement, Again: Here}},

		{"any SQLSTATE as ERROR: raised by a function", Facts{Class: fatal, Answer: true, Says: SaysReady, Sent: true, Used: true}, keep},
		{"… after the caller's context has ended", Facts{Class: conn, Answer: true, Says: SaysReady, Sent: true, Over: true}, keep},
		{"… of a dial", Facts{Class: permanent, Answer: true, Says: SaysReady, Sent: true}, keep},
		{"… of a dial, from a driver without a transaction status", Facts{Class: unavailable, Answer: true, Says: SaysValid, Sent: true}, keep},
		{"… that Config.Classify calls fatal", Facts{Class: fatal, Explicit: true, Answer: true, Says: SaysReady, Sent: true, Used: true}, last},
		{"FATAL: the session is over", Facts{Class: fatal, Answer: true, Says: SaysGone, Sent: true, Used: true}, last},
		{"… from a driver that cannot tell", Facts{Class: fatal, Answer: true, Says: SaysNothing, Sent: true, Used: true}, last},
		{"… from a driver that says valid and has no transaction status", Facts{Class: fatal, Answer: true, Says: SaysValid, Sent: true, Used: true}, last},
		{"… in answer to the first statement of a loan", Facts{Class: fatal, Answer: true, Says: SaysGone, Sent: true},
			Verdict{Conn: fatal, Unborn: true, Used: true, Lost: true, Unknown: true}},
		{"the server ended an idle session, met by the first statement of a loan", Facts{Class: conn, Answer: true, Says: SaysGone},
			Verdict{Again: Elsewhere, Conn: conn, Unborn: true}},

		{"a write refused by a standby", Facts{Class: readOnly, Answer: true, Says: SaysReady, Sent: true, Used: true},
			Verdict{Conn: readOnly, Used: true}},
		{"… in a read-only transaction, or of a pool that may use standbys", Facts{Class: readOnly, Answer: true, Says: SaysReady, Sent: true, ReadOnly: true}, keep},
		{"… that only Config.Classify knows", Facts{Class: readOnly, Explicit: true, Says: SaysReady, Sent: true}, Verdict{Conn: readOnly, Used: true}},

		{"dead before anything was sent", Facts{Class: fatal, Says: SaysGone}, move},
		{"… from a driver that says nothing", Facts{Class: fatal}, move},
		{"… after many other connections that were dead too", Facts{Class: fatal, Exhausted: true},
			Verdict{Conn: fatal, Unborn: true, Used: true, Lost: true, Tell: TellLost}},
		{"… in a transaction", Facts{Class: fatal, Says: SaysGone, Used: true}, lost},
		{"… of a COMMIT", Facts{Class: fatal, Says: SaysGone, Used: true, Final: true}, lost},
		{"dead after a part was sent", Facts{Class: fatal, Says: SaysGone, Sent: true},
			Verdict{Conn: fatal, Unborn: true, Used: true, Lost: true, Unknown: true, Tell: TellLost}},
		{"… in a transaction", Facts{Class: fatal, Says: SaysGone, Sent: true, Used: true}, unknown},
		{"… of a ping", Facts{Class: fatal, Says: SaysGone, Sent: true, Harmless: true}, move},
		{"… of a ping after other statements", Facts{Class: fatal, Says: SaysGone, Sent: true, Harmless: true, Used: true}, lost},
		{"the driver's own words about a connection that it has given up", Facts{Class: statement, Says: SaysGone, Sent: true, Used: true},
			Verdict{Conn: fatal, Cause: CauseBadConn, Used: true, Lost: true, Unknown: true, Tell: TellLost}},
		{"… that the pool has cut", Facts{Class: statement, Says: SaysGone, Sent: true, Used: true, Cut: true}, keep},
		{"a driver that says ErrBadConn and holds the connection to be good", Facts{Class: fatal, Says: SaysReady, Used: true}, lost},
		{"… of which something was sent", Facts{Class: fatal, Says: SaysReady, Used: true, Sent: true}, unknown},

		{"the context ended before anything was sent", Facts{Class: fatal, Says: SaysReady, Over: true},
			Verdict{Conn: statement, Tell: TellContext}},
		{"… and the driver has given the connection up over it", Facts{Class: fatal, Says: SaysGone, Over: true}, cut},
		{"the context cut the call off", Facts{Class: fatal, Says: SaysGone, Sent: true, Over: true},
			Verdict{Conn: conn, Cause: CauseContext, Used: true, Lost: true, Unknown: true, Tell: TellContext}},
		{"the server answered the cancel request, and the driver goes on", Facts{Class: statement, Answer: true, Cancelled: true, Says: SaysReady, Sent: true, Over: true},
			Verdict{Conn: statement, Used: true, Tell: TellBoth}},
		{"… and the driver has given up", Facts{Class: statement, Answer: true, Cancelled: true, Says: SaysGone, Sent: true, Over: true},
			Verdict{Conn: conn, Used: true, Lost: true, Unknown: true, Tell: TellBoth}},
		{"an administrator cancelled it", Facts{Class: statement, Answer: true, Cancelled: true, Says: SaysReady, Sent: true}, keep},
		{"the server's last word came when the context had ended", Facts{Class: fatal, Answer: true, Says: SaysGone, Sent: true, Over: true},
			Verdict{Conn: conn, Cause: CauseContext, Used: true, Lost: true, Unknown: true, Tell: TellContext}},
		{"a rollback after rows that their own context ended", Facts{Class: fatal, Says: SaysGone, Used: true, Final: true, Harmless: true, Own: true},
			Verdict{Conn: conn, Used: true, Lost: true, Tell: TellLost}},
	} {
		if got := Of(row.f); got != row.want {
			t.Errorf("%s:\n got %+v\nwant %+v", row.what, got, row.want)
		}
	}
}

// What must hold whatever the facts are: a row that is missing above cannot break it.
func TestNoVerdictRunsAnythingTwiceOrLendsWhatIsBroken(t *testing.T) {
	rules := []struct {
		what   string
		holds  func(Facts, Verdict) bool
		broken int
	}{
		{what: "another connection is tried only when nothing has reached the server, or nothing of it can stay", holds: func(f Facts, v Verdict) bool {
			return v.Again != Elsewhere || !f.Sent || f.Harmless
		}},
		{what: "… and never when the loan was used, the context has ended or the operation is a COMMIT", holds: func(f Facts, v Verdict) bool {
			return v.Again != Elsewhere || !f.Used && !f.Over && !f.Final && !f.Exhausted
		}},
		{what: "the same connection is tried only with a statement that was not executed", holds: func(f Facts, v Verdict) bool {
			return v.Again != Here || f.Stale && v.Conn == statement
		}},
		{what: "an operation that is tried again has no error yet, and has not run on the loan", holds: func(_ Facts, v Verdict) bool {
			return v.Again == Never || v.Tell == TellError && !v.Lost && !v.Unknown && !v.Used
		}},
		{what: "a loan is lost with its connection", holds: func(_ Facts, v Verdict) bool { return !v.Lost || v.Conn != statement }},
		{what: "a ConnLostError is told only where the loan is lost", holds: func(_ Facts, v Verdict) bool { return v.Tell != TellLost || v.Lost }},
		{what: "the pool comes under suspicion only while the caller waits", holds: func(f Facts, v Verdict) bool {
			return v.Conn != fatal && v.Conn != readOnly || !f.Over
		}},
		{what: "a connection that its driver has given up does not stay, but for what Config.Classify says and what the pool has cut", holds: func(f Facts, v Verdict) bool {
			return f.Says != SaysGone || f.Explicit || f.Refused || f.ReadOnly || f.Cut || v.Again == Here || v.Conn != statement
		}},
		{what: "the outcome is called known only when nothing was sent or nothing can stay", holds: func(f Facts, v Verdict) bool {
			return !v.Lost || v.Unknown == (f.Sent && !f.Harmless)
		}},
	}
	for f := range all {
		v := Of(f)
		for i := range rules {
			r := &rules[i]
			if r.holds(f, v) {
				continue
			}
			if r.broken++; r.broken <= 3 {
				t.Errorf("%s: broken by %+v of %+v", r.what, v, f)
			}
		}
	}
	for _, r := range rules {
		if r.broken > 3 {
			t.Errorf("%s: broken %d times", r.what, r.broken)
		}
	}
}

// all yields every combination of facts.
func all(yield func(Facts) bool) {
	for class := pgerror.Unknown; class <= permanent; class++ {
		for says := SaysNothing; says <= SaysGone; says++ {
			f := Facts{Class: class, Says: says}
			flags := f.flags()
			for bits := range 1 << len(flags) {
				for i, flag := range flags {
					*flag = bits>>i&1 == 1
				}
				if !yield(f) {
					return
				}
			}
		}
	}
}

func (f *Facts) flags() []*bool {
	return []*bool{
		&f.Explicit, &f.Answer, &f.Cancelled, &f.Refused, &f.Stale, &f.Over, &f.Own, &f.Cut, &f.Sent,
		&f.Used, &f.Final, &f.Exhausted, &f.Harmless, &f.ReadOnly,
	}
}
