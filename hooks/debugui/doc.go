// Package debugui is a live page about one pool, to be mounted like
// net/http/pprof and for the same readers: those who run the program.
//
//	ui := debugui.New(debugui.Config{Leaks: leaks, Health: monitor})
//	pool, err := sqlpool.New(sqlpool.Config{…, Hooks: []sqlpool.Hooks{leaks.Hooks(), monitor.Hooks(), ui.Hooks()}})
//	http.Handle("/debug/sqlpool/", ui.Handler())
//
// For a pool behind sql.Open, drivers.AddHooks takes the place of Config.Hooks.
//
// It answers three questions: how is the pool and since when, who holds the
// connections, and what happened. A browser gets a page, everything else plain
// text or, if it asks for application/json, a [View]; "?format=html", "text" or
// "json" chooses. The page is one file without anything from elsewhere: it works
// where there is no Internet, asks for news once a second, and asks nothing
// while its tab is hidden.
//
// # What it never shows
//
// No argument of a statement, because hooks never see one. No literal in a
// statement's text: constants become question marks, as in pg_stat_statements.
// No password: error texts lose credentials and quoted values (see redact.go),
// and the connection string is not asked for.
//
// Still, statements and stacks are nobody else's business: mount it where only
// operators can reach it, as one does with net/http/pprof.
//
// # Files
//
// debugui.go is the surface; record.go and events.go listen to the pool,
// samples.go keeps figures of the last minutes; look.go puts a [View] (view.go)
// together, which text.go and page.go show; control.go is what Config.Controls
// turns on.
//
// # What it costs
//
// Per loan two histogram entries and one note on the connection, without an
// allocation (BenchmarkLoan, beside hooks that do nothing); per sweep one
// Pool.Stats. A [View] costs what
// Pool.Snapshot and the stacks of the loans that are out cost.
package debugui
