package recycle

import (
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// What each hook adds to a no-op Exec through a *sql.DB.
func BenchmarkExec(b *testing.B) {
	for _, c := range []struct {
		name  string
		hooks func() []sqlpool.Hooks
	}{
		{"none", func() []sqlpool.Hooks { return nil }},
		{"MaxLifetime", func() []sqlpool.Hooks { return []sqlpool.Hooks{MaxLifetime(time.Hour)} }},
		{"MaxIdleTime", func() []sqlpool.Hooks { return []sqlpool.Hooks{MaxIdleTime(time.Hour)} }},
		{"MaxUses", func() []sqlpool.Hooks { return []sqlpool.Hooks{MaxUses(1 << 60)} }},
		{"all", func() []sqlpool.Hooks {
			return []sqlpool.Hooks{MaxLifetime(time.Hour), MaxIdleTime(time.Hour), MaxUses(1 << 60)}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant(), Hooks: c.hooks()})
			if err != nil {
				b.Fatal(err)
			}
			db := sqlpool.OpenDB(p)
			defer db.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.Exec("noop"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
