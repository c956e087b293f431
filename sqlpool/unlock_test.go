package sqlpool

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// A connection in a state from which there is no such move has two owners, and the pool
// panics. A program that recovers, as net/http does for each request, must be able to
// ask the pool afterwards: the lock is free.
func TestAnIllegalMoveLeavesTheLockFree(t *testing.T) {
	for name, illegal := range map[string]struct {
		from slots.State
		move func(p *Pool, c *Conn, w *waiter)
	}{
		"a grant":                     {slots.Gone, func(p *Pool, _ *Conn, _ *waiter) { _, _ = p.Acquire(background) }},
		"a grant that comes too late": {slots.Gone, func(p *Pool, _ *Conn, w *waiter) { p.leaveQueue(w, false) }},
		"the begin of a loan":         {slots.Idle, func(p *Pool, c *Conn, _ *waiter) { _, _ = p.begin(c, nil, p.now()) }},
		"the end of a loan":           {slots.Gone, func(p *Pool, c *Conn, _ *waiter) { p.release(c) }},
		"the end of a dial":           {slots.Gone, func(p *Pool, c *Conn, _ *waiter) { p.dialed(&dial{cancel: func() {}}, opened{conn: c}) }},
		"the end of a close":          {slots.Idle, func(p *Pool, c *Conn, _ *waiter) { p.freeSlot(c) }},
		"a shutdown":                  {slots.Gone, func(p *Pool, _ *Conn, _ *waiter) { p.beginShutdown() }},
	} {
		t.Run(name, func(t *testing.T) {
			p, c, w := grantedUnclosed(t)
			defer p.endDials() // there is no shutdown with books that are wrong
			if name != "a grant that comes too late" {
				p.giveBack(c, outcome{})
			}
			p.mu.Lock()
			c.state = illegal.from
			p.mu.Unlock()
			panicked := recovered(func() { illegal.move(p, c, w) })
			if !strings.Contains(fmt.Sprint(panicked), "cannot become") {
				t.Errorf("it did not panic over the move: %v", panicked)
			}
			if !p.mu.TryLock() {
				t.Fatal("the pool's lock is held for ever")
			}
			p.mu.Unlock()
		})
	}
}

func recovered(f func()) (panicked any) {
	defer func() { panicked = recover() }()
	f()
	return nil
}

// What holds for the moves of a connection holds for every panic under a lock: each Lock
// is followed by its deferred Unlock, and there is no other Unlock.
func TestEveryLockIsFreedByADefer(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	locks := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var list []ast.Stmt
			switch n := n.(type) {
			case *ast.BlockStmt:
				list = n.List
			case *ast.CaseClause:
				list = n.Body
			case *ast.CommClause:
				list = n.Body
			}
			for i, stmt := range list {
				switch of, method := onMutex(stmt); method {
				case "Lock":
					locks++
					if i+1 == len(list) || !unlocks(list[i+1], of) {
						t.Errorf("%v: a panic would leave %s locked: write defer %s.Unlock() below the Lock, in a function of its own if need be", fset.Position(stmt.Pos()), of, of)
					}
				case "Unlock":
					t.Errorf("%v: a panic before this line would leave %s locked: defer it", fset.Position(stmt.Pos()), of)
				}
			}
			return true
		})
	}
	if locks < 20 {
		t.Errorf("only %d locks found: the test looks in the wrong place", locks)
	}
}

// onMutex returns the mutex and the method, if the statement is a call such as p.mu.Lock().
func onMutex(stmt ast.Stmt) (of, method string) {
	call, ok := stmt.(*ast.ExprStmt)
	if !ok {
		return "", ""
	}
	return mutexCall(call.X)
}

func unlocks(stmt ast.Stmt, mutex string) bool {
	d, ok := stmt.(*ast.DeferStmt)
	if !ok {
		return false
	}
	of, method := mutexCall(d.Call)
	return of == mutex && method == "Unlock"
}

func mutexCall(x ast.Expr) (of, method string) {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return "", ""
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	return types.ExprString(sel.X), sel.Sel.Name
}
