// Package debugui serves a live page about one pool, for the operators of a
// program. Mount it like net/http/pprof.
//
//	ui := debugui.New(debugui.Config{Leaks: leaks, Health: monitor})
//	pool, err := sqlpool.New(sqlpool.Config{…, Hooks: []sqlpool.Hooks{leaks.Hooks(), monitor.Hooks(), ui.Hooks()}})
//	http.Handle("/debug/sqlpool/", ui.Handler())
//
// For a pool behind sql.Open, use drivers.AddHooks instead of Config.Hooks.
//
// It answers three questions: how is the pool and since when, who holds the
// connections, and what happened. A browser gets a page. Other clients get plain
// text or, if they ask for application/json, a [View]. "?format=html", "text" or
// "json" chooses. The page is one file and loads nothing from the Internet. It
// asks for new data once a second, and not while its tab is hidden.
//
// # What it never shows
//
// It shows no argument of a statement, because hooks never see one. It shows no
// literal in a statement's text: constants become question marks, as in
// pg_stat_statements. It shows no password: credentials and quoted values are
// removed from error texts (see redact.go), and the package never reads the
// connection string.
//
// Still, statements and stacks are confidential: mount the page where only
// operators can reach it, as with net/http/pprof.
//
// # Files
//
// debugui.go has the exported functions; record.go and events.go are the hooks;
// samples.go keeps figures of the last minutes; look.go builds a [View]
// (view.go), and text.go and page.go render it; control.go is what
// Config.Controls turns on.
//
// # What it costs
//
// Each loan costs two histogram entries and one value on the connection, without
// an allocation (BenchmarkLoan, beside hooks that do nothing). Each sweep costs
// one Pool.Stats. A [View] costs what Pool.Snapshot and the stacks of the loans
// that have not ended cost.
package debugui
