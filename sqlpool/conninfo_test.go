package sqlpool

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// A holder's report never has the statement of a loan that begins meanwhile.
func TestAStatementIsShownWithItsOwnLoan(t *testing.T) {
	p := &Pool{}
	c := &Conn{ConnRef: ConnRef{origins: origins{pool: p}}}
	const loans = 100_000
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := uint64(1); n <= loans; n++ {
			p.mu.Lock()
			c.loan = n
			p.mu.Unlock()
			c.note(fmt.Sprint("loan ", n))
		}
	})
	for done := false; !done; {
		p.mu.Lock()
		n := c.loan
		p.mu.Unlock()
		done = n == loans
		want := fmt.Sprint("loan ", n)
		for range 20 { // while the next ones begin
			if h := c.describe(n, time.Second); h.LastStatement != "" && h.LastStatement != want {
				t.Fatalf("the holder of loan %d is shown with the statement of %s", n, h.LastStatement)
			}
		}
	}
	writer.Wait()
}
