// Package bench measures the pool beside its peers. Absolute times mean little
// on a shared machine, so each benchmark runs its two contenders in turn, a
// short stretch each, and reports the median of the ratios: below 1x the pool
// is faster than what it is compared with.
//
//	go test -run '^$' -bench . -benchtime 1x
package bench
