package outage

import (
	"bytes"
	"runtime"
)

// pools are what a pool's goroutines have in their stacks. Those of the
// laboratory itself come and go.
var pools = [][]byte{
	[]byte("github.com/sqlpool/go/sqlpool."), []byte("github.com/sqlpool/go/drivers/"),
	[]byte("github.com/jackc/"), []byte("github.com/lib/pq."), []byte("database/sql."),
}

// Goroutines counts the goroutines of pools and drivers, and returns their
// stacks.
func Goroutines() (n int, stacks []byte) {
	all := make([]byte, 1<<20)
	for size := runtime.Stack(all, true); ; size = runtime.Stack(all, true) {
		if size < len(all) {
			all = all[:size]
			break
		}
		all = make([]byte, 2*len(all))
	}
	for stack := range bytes.SplitSeq(all, []byte("\n\n")) {
		for _, pool := range pools {
			if bytes.Contains(stack, pool) {
				n++
				stacks = append(append(stacks, stack...), "\n\n"...)
				break
			}
		}
	}
	return n, stacks
}
