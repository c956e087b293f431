//go:build unix

package byname

import (
	"database/sql"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// Nor has the server a parameter that is a setting's name without its prefix.
func TestNoServerHasASettingsBareName(t *testing.T) {
	db, err := sql.Open(PQ, pgserver.Shared(t).DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT name FROM pg_settings")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if bare(name) != nil {
			t.Errorf("%s is the server's, and is refused", name)
		}
	}
	if err := rows.Err(); err != nil || n < 100 {
		t.Errorf("%d parameters, %v", n, err)
	}
}
