package byname_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	pgxPath = "github.com/jackc/pgx/v5"
	pqPath  = "github.com/lib/pq"
)

// What a program links is what it imports, however far down.
func TestAProgramLinksTheDriversThatItImports(t *testing.T) {
	for path, want := range map[string][]string{
		"github.com/sqlpool/go/drivers/byname": nil,
		"github.com/sqlpool/go/drivers/pgxv5":  {pgxPath},
		"github.com/sqlpool/go/drivers/libpq":  {pqPath},
		"github.com/sqlpool/go/drivers":        {pgxPath, pqPath},
	} {
		cmd := exec.Command("go", "list", "-deps", path)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		var got []string
		for _, driver := range []string{pgxPath, pqPath} {
			if slices.Contains(strings.Fields(string(out)), driver) {
				got = append(got, driver)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s links %q, want %q", path, got, want)
		}
	}
}
