package sqlpool

import "testing"

func TestVerdicts(t *testing.T) {
	keep := verdict{conn: ClassStatement}
	for _, row := range []struct {
		what string
		f    facts
		want verdict
	}{
		{"the statement's own failure", facts{class: ClassStatement, answer: true, says: saysReady, sent: true}, keep},
		{"an argument that was refused, whatever the refusal looks like", facts{class: ClassFatal, refused: true}, keep},
		{"the driver's own complaint, nothing wrong with the connection", facts{class: ClassStatement, says: saysReady}, keep},
		{"a stale statement", facts{class: ClassStatement, answer: true, says: saysReady, sent: true, stale: true}, verdict{conn: ClassStatement, again: here}},

		{"any SQLSTATE as ERROR: raised by a function", facts{class: ClassFatal, answer: true, says: saysReady, sent: true, used: true}, keep},
		{"… after the caller's context has ended", facts{class: ClassConn, answer: true, says: saysReady, sent: true, over: true}, keep},
		{"… of a dial", facts{class: ClassPermanent, answer: true, says: saysReady, sent: true}, keep},
		{"… of a dial, from a driver without a transaction status", facts{class: ClassUnavailable, answer: true, says: saysValid, sent: true}, keep},
		{"… that Config.Classify calls fatal", facts{class: ClassFatal, explicit: true, answer: true, says: saysReady, sent: true},
			verdict{conn: ClassFatal, lost: true, tell: tellError}},
		{"FATAL: the session is over", facts{class: ClassFatal, answer: true, says: saysGone, sent: true, used: true},
			verdict{conn: ClassFatal, lost: true, tell: tellError}},
		{"… from a driver that cannot tell", facts{class: ClassFatal, answer: true, says: saysNothing, sent: true, used: true},
			verdict{conn: ClassFatal, lost: true, tell: tellError}},
		{"… from a driver that says valid and has no transaction status", facts{class: ClassFatal, answer: true, says: saysValid, sent: true, used: true},
			verdict{conn: ClassFatal, lost: true, tell: tellError}},
		{"the server ended an idle session, met by the first statement of a loan", facts{class: ClassConn, answer: true, says: saysGone},
			verdict{conn: ClassConn, again: elsewhere, tell: tellError}},

		{"a write refused by a standby", facts{class: ClassReadOnly, answer: true, says: saysReady, sent: true, used: true},
			verdict{conn: ClassReadOnly, tell: tellError}},
		{"… in a read-only transaction, or of a pool that may use standbys", facts{class: ClassReadOnly, answer: true, says: saysReady, sent: true, readOnly: true}, keep},

		{"dead before anything was sent", facts{class: ClassFatal, says: saysGone}, verdict{conn: ClassFatal, again: elsewhere, tell: tellLost}},
		{"… from a driver that says nothing", facts{class: ClassFatal}, verdict{conn: ClassFatal, again: elsewhere, tell: tellLost}},
		{"… in a transaction", facts{class: ClassFatal, says: saysGone, used: true}, verdict{conn: ClassFatal, lost: true, tell: tellLost}},
		{"… of a COMMIT", facts{class: ClassFatal, says: saysGone, used: true, final: true}, verdict{conn: ClassFatal, lost: true, tell: tellLost}},
		{"dead after a part was sent", facts{class: ClassFatal, says: saysGone, sent: true}, verdict{conn: ClassFatal, lost: true, tell: tellLost}},
		{"… of a ping", facts{class: ClassFatal, says: saysGone, sent: true, harmless: true}, verdict{conn: ClassFatal, again: elsewhere, tell: tellLost}},
		{"the driver's own words about a connection that it has given up", facts{class: ClassStatement, says: saysGone, sent: true, used: true},
			verdict{conn: ClassFatal, lost: true, tell: tellLost}},
		{"… that the pool has cut", facts{class: ClassStatement, says: saysGone, sent: true, used: true, cut: true}, keep},
		{"a driver that says ErrBadConn and holds the connection to be good", facts{class: ClassFatal, says: saysReady, used: true}, verdict{conn: ClassFatal, lost: true, tell: tellLost}},
		{"… of which something was sent", facts{class: ClassFatal, says: saysReady, used: true, sent: true},
			verdict{conn: ClassFatal, lost: true, tell: tellLost}},

		{"the context ended before anything was sent", facts{class: ClassFatal, says: saysReady, over: true},
			verdict{conn: ClassStatement, tell: tellContext}},
		{"… and the driver has given the connection up over it", facts{class: ClassFatal, says: saysGone, over: true},
			verdict{conn: ClassConn, lost: true, tell: tellContext}},
		{"the context cut the call off", facts{class: ClassFatal, says: saysGone, sent: true, over: true},
			verdict{conn: ClassConn, lost: true, tell: tellContext}},
		{"the server answered the cancel request, and the driver goes on", facts{class: ClassStatement, answer: true, says: saysReady, sent: true, over: true}, keep},
		{"… and the driver has given up", facts{class: ClassStatement, answer: true, says: saysGone, sent: true, over: true},
			verdict{conn: ClassConn, lost: true, tell: tellError}},
		{"a rollback after rows that their own context ended", facts{class: ClassFatal, says: saysGone, used: true, final: true, harmless: true, own: true},
			verdict{conn: ClassConn, lost: true, tell: tellLost}},
	} {
		if got := judge(row.f); got != row.want {
			t.Errorf("%s:\n got %+v\nwant %+v", row.what, got, row.want)
		}
	}
}
