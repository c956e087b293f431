package drivers

import (
	"database/sql"
	"os"
	"strings"
	"sync"
	"testing"
)

// nowhere is a connection string whose server refuses.
const nowhere = "postgres://user:hunter2@127.0.0.1:1/db?sslmode=disable"

// settings is how many settings there are.
var settings = sync.OnceValue(func() int {
	db, err := sql.Open(PGX, nowhere)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	all, _ := SettingsOf(db)
	return len(all)
})

// setenv empties the environment of settings and then sets some.
func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	t.Setenv("DATABASE_URL", "")
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "POOL_") {
			t.Setenv(name, "")
		}
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

func TestMain(m *testing.M) {
	// A developer's own settings are not these tests'.
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "POOL_") {
			os.Unsetenv(name)
		}
	}
	os.Unsetenv("DATABASE_URL")
	os.Exit(m.Run())
}
