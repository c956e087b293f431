//go:build unix

package targets

import (
	"database/sql"
	"testing"

	"github.com/sqlpool/go/drivers"
)

// Through a PgBouncer in transaction mode the role of a transaction is the
// transaction's, and the role of a session is that of another client.
func TestATenantsRoleThroughATransactionPooler(t *testing.T) {
	l, err := lab()
	if err != nil {
		t.Fatal(err)
	}
	const role = "tenant_of_a_pooler"
	if err := l.server.Exec(t.Context(), "CREATE ROLE "+role); err != nil {
		t.Fatal(err)
	}
	for driver, settings := range map[string]string{
		drivers.PGX: "&pool_statements=text&default_query_exec_mode=exec", drivers.PQ: "&pool_statements=text&binary_parameters=yes",
	} {
		t.Run(driver, func(t *testing.T) {
			client := func() *sql.DB {
				db, err := sql.Open(driver, l.places.bouncer+settings)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				return db
			}
			one, other := client(), client()
			is := func(who string, db interface {
				QueryRow(query string, args ...any) *sql.Row
			}, want string) {
				t.Helper()
				var role string
				if err := db.QueryRow("SELECT current_user").Scan(&role); err != nil || role != want {
					t.Errorf("%s is %q, want %q (%v)", who, role, want, err)
				}
			}

			tx, err := one.Begin()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec("SELECT set_config('role', $1, true)", role); err != nil {
				t.Fatal(err)
			}
			is("the transaction", tx, role)
			is("another client meanwhile", other, "postgres")
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			is("another client afterwards", other, "postgres")

			if _, err := one.Exec("SET ROLE " + role); err != nil {
				t.Fatal(err)
			}
			is("another client, who was given the server connection", other, role)
			if _, err := other.Exec("RESET ROLE"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
