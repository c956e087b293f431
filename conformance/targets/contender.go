//go:build unix

package targets

import (
	"context"

	"github.com/sqlpool/go/conformance"
)

// A Contender is a pool on a driver on a way to a database: a column of the
// table.
type Contender struct {
	Name string
	What string // in a sentence, for the head of the table

	// Ours says that every required rule must hold.
	Ours bool

	target func(places) (conformance.Target, error)
}

// places are the databases of a run.
type places struct {
	postgres string   // connection string
	replicas []string // those of its standbys
	bouncer  string   // the same through PgBouncer in transaction mode
	folder   string   // for database files
}

// Contenders are all of them, ours first.
func Contenders() []Contender {
	var all []Contender
	all = append(all, postgres()...)
	all = append(all, bounced()...)
	all = append(all, others()...)
	return append(all, peers()...)
}

// Check runs the suite on one contender: the rules that only names, or all if it is
// empty (see conformance.Target.Only).
func (c Contender) Check(ctx context.Context, lab *Lab, only []string) (conformance.Report, error) {
	target, err := c.target(lab.places)
	if err != nil {
		return conformance.Report{}, err
	}
	target.Name, target.Only = c.Name, only
	return target.Check(ctx)
}
