package sqlpool

import "time"

// Op is what database/sql has asked of a session.
type Op string

// The operations that OnStatement is told of.
const (
	OpExec     Op = "exec"
	OpQuery    Op = "query"
	OpPrepare  Op = "prepare"
	OpBegin    Op = "begin"
	OpCommit   Op = "commit"
	OpRollback Op = "rollback"
	OpPing     Op = "ping"
)

// Executing is an operation that is about to begin.
type Executing struct {
	Op Op // what is asked

	// Text is the SQL of an exec, a query or a prepare, as the program wrote it,
	// and "" for the others. A hook may change it, to add a comment for the server's
	// log: the changed text is executed. It has no effect on a statement that is
	// prepared already. A text that is never the same twice defeats every cache of
	// statements.
	Text string

	// Args is how many arguments there are. Their values are not shown.
	Args int

	// Prepared says that the program executes a *sql.Stmt.
	Prepared bool
}

// Executed is the end of an operation. That of a query comes when its rows are
// closed.
type Executed struct {
	// Conn is the connection that the operation ran on, the last one if it was tried
	// on several; nil when there was none, as after a failed acquire, or when the loan
	// has ended with the operation. It is lent to
	// the caller until the hook returns.
	Conn *ConnRef

	// Waited is how long the loan's borrower was in the queue: zero when a connection
	// was idle, and for all but the first operation of a loan.
	Waited time.Duration

	// Answered is the time from the beginning to the driver's answer: of a query,
	// until there were rows to be read.
	Answered time.Duration

	// Took is the time from the beginning to the end, the reading of rows included.
	Took time.Duration

	// Err is what the caller was told, or what ended the reading of rows early; nil
	// after success, also when the caller has closed the rows before their end.
	// driver.ErrSkip is no failure: the driver does not execute the text as it is, and
	// database/sql prepares it.
	Err error
}
