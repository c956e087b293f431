package mockpool

import (
	"fmt"
	"sync"

	"github.com/DATA-DOG/go-sqlmock"
)

// watch is a test that answers for what it borrows: the one that opened the
// database, or a subtest of it.
type watch struct{ t T }

// ofMock holds the mock databases that are open, by their Sqlmock.
var ofMock sync.Map // sqlmock.Sqlmock → *mockDB

// Watch has t answer for what is borrowed of mock's database until t ends.
func Watch(t T, mock sqlmock.Sqlmock) error {
	t.Helper()
	found, ok := ofMock.Load(mock)
	if !ok {
		return fmt.Errorf("this mock has no pool, or its test has ended: give Watch what New returned, while the test that opened it runs")
	}
	m := found.(*mockDB)
	w := &watch{t: t}
	m.loans.begin(w)
	t.Cleanup(func() {
		t.Helper()
		m.report(w)
		m.loans.end(w)
	})
	return nil
}

// report fails a watch's test for what it did not give back.
func (m *mockDB) report(w *watch) {
	w.t.Helper()
	if lenient(m.t) || lenient(w.t) {
		return
	}
	for _, l := range m.loans.leaked(w, grace) {
		w.t.Errorf("%s: %s", m.opts.Package, accuse(l))
	}
}

func lenient(t T) bool {
	_, ok := t.(Lenient)
	return ok
}
