package conformance

import (
	"context"
	"database/sql"
	"slices"
)

// A route is one of the ways by which a statement gets from an application to a
// driver. What holds on one need not hold on the next.
type route struct {
	name string
	open func(ctx context.Context, db *sql.DB, text string, use func(asker)) error
}

// asker executes the statement of a route.
type asker struct {
	query func(args ...any) (*sql.Rows, error)
	exec  func(args ...any) (sql.Result, error)
}

// preparer is a *sql.DB, *sql.Conn or *sql.Tx.
type preparer interface {
	PrepareContext(context.Context, string) (*sql.Stmt, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}

func asText(ctx context.Context, p preparer, text string, use func(asker)) error {
	use(asker{
		func(args ...any) (*sql.Rows, error) { return p.QueryContext(ctx, text, args...) },
		func(args ...any) (sql.Result, error) { return p.ExecContext(ctx, text, args...) },
	})
	return nil
}

func asStmt(ctx context.Context, p preparer, text string, use func(asker)) error {
	stmt, err := p.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	use(ofStmt(ctx, stmt))
	return stmt.Close()
}

func ofStmt(ctx context.Context, stmt *sql.Stmt) asker {
	return asker{
		func(args ...any) (*sql.Rows, error) { return stmt.QueryContext(ctx, args...) },
		func(args ...any) (sql.Result, error) { return stmt.ExecContext(ctx, args...) },
	}
}

type how func(context.Context, preparer, string, func(asker)) error

func onDB(f how) func(context.Context, *sql.DB, string, func(asker)) error {
	return func(ctx context.Context, db *sql.DB, text string, use func(asker)) error {
		return f(ctx, db, text, use)
	}
}

func onConn(f how) func(context.Context, *sql.DB, string, func(asker)) error {
	return func(ctx context.Context, db *sql.DB, text string, use func(asker)) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		return f(ctx, conn, text, use)
	}
}

func onTx(f how) func(context.Context, *sql.DB, string, func(asker)) error {
	return func(ctx context.Context, db *sql.DB, text string, use func(asker)) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // after a Commit it does nothing
		if err := f(ctx, tx, text, use); err != nil {
			return err
		}
		return tx.Commit()
	}
}

// stmtInTx executes a statement of the database's in a transaction.
func stmtInTx(ctx context.Context, db *sql.DB, text string, use func(asker)) error {
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer stmt.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	use(ofStmt(ctx, tx.StmtContext(ctx, stmt)))
	return tx.Commit()
}

// textRoutes are those on which the program prepares nothing.
var textRoutes = []route{{"DB", onDB(asText)}, {"Conn", onConn(asText)}, {"Tx", onTx(asText)}}

// routes are all that the target has.
func (x *trial) routes() []route {
	all := slices.Clone(textRoutes)
	if x.target.lacks(NeedPrepares) == "" {
		all = append(all, route{"DB, prepared", onDB(asStmt)}, route{"Conn, prepared", onConn(asStmt)},
			route{"Tx, prepared", onTx(asStmt)}, route{"Tx.Stmt", stmtInTx})
	}
	return all
}

// along plays the use of a statement on each route.
func (x *trial) along(r *transcript, db *sql.DB, text string, use func(route string, a asker)) {
	for _, way := range x.routes() {
		r.err(way.name, way.open(x.ctx, db, text, func(a asker) { use(way.name, a) }))
	}
}
