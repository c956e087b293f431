package conformance_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// A program that is not a test gets a report, here for a pool with a
// configuration of its own.
func ExampleTarget_Check() {
	connector, err := libpq.Connector("postgres://app@db.example/scratch")
	if err != nil {
		log.Fatal(err)
	}
	target := conformance.Target{
		Name:      "our pool",
		Connector: connector,
		Dialect:   conformance.PostgreSQL,
		Lacks: map[conformance.Need]string{
			conformance.NeedKill: "our user may not end sessions",
		},
		Open: func(s conformance.Settings) (*conformance.Subject, error) {
			adjust := s.Adjust
			s.Adjust = func(cfg *sqlpool.Config) {
				cfg.CacheQueries = true
				if adjust != nil {
					adjust(cfg)
				}
			}
			return conformance.OpenPool(s)
		},
	}
	report, err := target.Check(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report)
}

// Rules are data: each says what must hold, what breaks without it, and who says so.
func ExampleRules() {
	for _, rule := range conformance.Rules() {
		if rule.Family() == "DIAL" {
			fmt.Println(rule.ID, rule.Rule)
			fmt.Println("why: ", rule.Why)
			fmt.Println("from:", rule.Source)
			break
		}
	}
	// Output:
	// DIAL-01 a burst of callers on an empty pool dials a few connections at a time
	// why:  a dial for every caller loads a server that has just started, and all of them are slower for it
	// from: this pool: Config.MaxDialing
}

// A report is a table, or JSON; a rule that fails explains itself.
func ExampleReport() {
	rules := conformance.Rules()
	report := conformance.Report{Target: "our pool", Results: []conformance.Result{ // in life from Target.Check
		{Rule: rules[0], Verdict: conformance.Pass},
		{Rule: rules[1], Verdict: conformance.Fail, Seen: []string{"SELECT 7: int8 became text"}},
		{Rule: rules[2], Verdict: conformance.Skip, Seen: []string{"a query that returns its argument is not known"}},
	}}
	fmt.Print(report)
	fmt.Println(report.OK())
	// Output:
	// our pool: 1 rules hold, 1 do not, 1 were not checked
	//
	// SQL: the same answers as plain database/sql
	//   pass  SQL-01   a query has the same columns and values, of the same types, as without the pool
	//   fail  SQL-02   the column types of a query are the same as without the pool
	//         why: tools that build their output from ColumnTypes would print something else, or panic
	//         SELECT 7: int8 became text
	//   skip  SQL-03   arguments are converted by the driver's own rules, and refused with the same errors
	//         a query that returns its argument is not known
	// false
}

// server breaks what a database's own SQL cannot.
type server struct{ *pgserver.Server }

func (s server) Kill(ctx context.Context, session string) error {
	return s.Exec(ctx, "SELECT pg_terminate_backend("+session+", 10000)")
}

var _ conformance.Server = server{}
