// Package fakedb is a scripted database/sql driver for tests of a connection pool.
//
// A [DB] plays the server: it accepts connections, keeps a small ledger, counts its calls, and injects faults on
// request. It works inside testing/synctest bubbles: a DB made in a bubble waits only on timers, contexts and
// channels of that bubble, never while it holds a mutex, and starts no goroutine.
//
//	db := fakedb.New()
//	db.On(fakedb.Connect, fakedb.Fault{Times: 3, Err: refused})                            // the first three dials fail
//	db.On(fakedb.Exec, fakedb.Fault{Skip: 9, Times: 1, Hang: fakedb.UntilDone})            // the tenth Exec hangs
//	db.On(fakedb.Exec, fakedb.Fault{Text: "INSERT", Stage: fakedb.AfterEffect, Err: io.EOF}) // the reply is lost
//	pool := sql.OpenDB(db.Connector())
//	…
//	db.KillAll(); db.SetDown(nil)                                                          // the server dies
//	t.Log(db.Counts(), db.Violations())
//
// What the server understands (the first word decides, in any case; every other text is accepted and affects 1 row):
//
//	BEGIN, COMMIT, ROLLBACK   TxStatus 'T' and 'I'; a statement that fails inside makes it 'E'
//	INSERT tok, INSERT ?      writes tokens, counted by [DB.Written]; inside a transaction when it commits
//	INSERT ? RETURNING        the same, and a row of what was written
//	SET x=y, SHOW x           session state; RESET ALL and DISCARD ALL clear it, ResetSession and Rollback do not
//	SELECT 7, SELECT ?        one row; SELECT pid is the connection's id; SELECT 1; SELECT 2 gives two result sets
//	SERIES 5                  five rows, 1 to 5
//	BULK 5 100                five rows of a text of 100 bytes
//	COLUMNS 5                 one row of five columns of different types
//	AFFECT 5                  affects five rows, and has a LastInsertId
//	FAIL 23505                an [Error] with that SQLSTATE
//	SLEEP 5s                  takes that long, or until the context is done
//	DISCARD ALL, DEALLOCATE   prepared statements are gone: their use gives SQLSTATE 26000
//	SELECT … pg_is_in_recovery() …  where the server stands, for a router: see [DB.Replica]
//	ALTER …                   statements prepared before it, on any connection, give 0A000
package fakedb
