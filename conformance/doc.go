// Package conformance proves on a driver, or on another pool, what sqlpool
// promises: rules as data, each with a check that was seen to fail.
//
// A driver's author runs all of it in one line:
//
//	func TestConformance(t *testing.T) { conformance.Run(t, mydriver.Connector(dsn)) }
//
// A [Target] says more: the SQL that the database speaks, how to open the
// *sql.DB under test, how to break its connections. [Check] is Run without a
// test, for programs; its [Report] is a table or JSON.
//
// File by file: rule.go is what a rule is and rules.go the list; the files of a
// family begin with its name (sql acquire dial hook reset recycle inventory
// outage leak overload admin observe configure replicas) and hold its rules with what only
// these need; check.go and run.go run them, trial.go is what a check has in hand,
// moves.go, moments.go, routes.go, uses.go and edges.go what many do with it; probe….go watches the driver from below the
// pool; target.go, open.go, split….go and dialect….go say on what; report.go tells the
// outcome.
//
// Every rule has a mutant in mutants_test.go: a pool or driver broken in just
// that way, on which the rule must fail and no rule of another family may.
package conformance
