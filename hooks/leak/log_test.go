package leak_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestALeakIsLoggedFieldByField(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			logger := slog.New(slog.NewJSONHandler(&out, nil))
			leaks := leak.New(leak.Config{Report: leak.Log(logger)})
			if hidden {
				leaks = leak.New(leak.Config{Report: leak.Log(logger), HideStatements: true})
			}
			p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Hooks: []sqlpool.Hooks{leaks.Hooks()}})
			if err != nil {
				t.Fatal(err)
			}
			db := sqlpool.OpenDB(p)
			defer db.Close()
			rows, err := db.Query("SELECT ?", "secret argument")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(32 * time.Second)
			rows.Close()
			synctest.Wait()

			fields := []string{"time", "level", "msg", "pool", "conn", "held_ms", "idle_ms", "in_transaction", "reclaimed", "acquired_by", "stack"}
			if !hidden {
				fields = append(fields, "statement")
			}
			slices.Sort(fields)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if len(lines) != 2 || strings.Contains(out.String(), "secret") {
				t.Fatalf("want a leak and its end, without an argument:\n%s", out.String())
			}
			for i, msg := range []string{leak.MsgLeaked, leak.MsgEndedLate} {
				var r map[string]any
				if err := json.Unmarshal([]byte(lines[i]), &r); err != nil {
					t.Fatal(err)
				}
				var got []string
				for field := range r {
					got = append(got, field)
				}
				slices.Sort(got)
				if !slices.Equal(got, fields) {
					t.Errorf("%q has the fields %q, documented are %q", msg, got, fields)
				}
				by, _ := r["acquired_by"].(string)
				stack, _ := r["stack"].([]any)
				if r["msg"] != msg || r["level"] != "WARN" || !strings.Contains(by, "TestALeakIsLoggedFieldByField") || len(stack) == 0 || stack[0] != by {
					t.Errorf("%v", r)
				}
			}
		})
	}
}
