package conformance

import "github.com/sqlpool/go/sqlpool"

var acquireMutants = []mutant{
	{"ACQ-01", "package sql's own pool, which serves waiters at random", plainly},
	{"ACQ-02", "one connection more than asked for", configured(func(cfg *sqlpool.Config) { cfg.MaxConns++ })},
}
