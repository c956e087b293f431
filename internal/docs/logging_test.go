package docs

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/slogger"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// In each row of the table of messages stand the fields that the code writes with it, no
// more and no fewer, and each is explained. A field that is absent at times counts once it was there.
func TestTheGuideToLogsHasTheFieldsOfEachMessage(t *testing.T) {
	_, page, _ := strings.Cut(read(t, filepath.Join(root, "docs", "logging.md")), "| message |")
	table, explained, _ := strings.Cut(page, "\n\n")
	documented, before := map[string][]string{}, []string(nil)
	name := regexp.MustCompile("`([^`]+)`")
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		if len(cells) < 5 || !strings.HasPrefix(row, "| `") {
			continue
		}
		var fields []string
		if strings.Contains(cells[3], "the same") {
			fields = slices.Clone(before)
		}
		for _, field := range name.FindAllStringSubmatch(cells[3], -1) {
			fields = append(fields, field[1])
		}
		before = fields
		documented[name.FindStringSubmatch(cells[1])[1]] = fields
	}

	written := map[string]map[string]bool{}
	for line := range bytes.Lines(eachMessage(t)) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		msg := record["msg"].(string)
		if written[msg] == nil {
			written[msg] = map[string]bool{}
		}
		for field := range record {
			if !slices.Contains([]string{"time", "level", "msg", "pool"}, field) {
				written[msg][field] = true
			}
		}
	}
	for msg, fields := range documented {
		for _, field := range fields {
			if !strings.Contains(explained, "`"+field+"`") {
				t.Errorf("logging.md does not explain %s", field)
			}
			if !written[msg][field] {
				t.Errorf("logging.md has %s for %q, which the code does not write", field, msg)
			}
			delete(written[msg], field)
		}
		for field := range written[msg] {
			t.Errorf("logging.md lacks %s, which the code writes with %q", field, msg)
		}
		delete(written, msg)
	}
	for msg := range written {
		t.Errorf("logging.md lacks the message %q", msg)
	}
}

// eachMessage has the hooks log every message, with all the fields that it may have.
func eachMessage(t *testing.T) []byte {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		server := fakedb.New()
		leaks := leak.New(leak.Config{Report: leak.Log(logger)})
		page := debugui.New(debugui.Config{Controls: true, Log: logger, Leaks: leaks})
		pool, err := sqlpool.New(sqlpool.Config{
			Connector: server.ConnectorAs(func(c *fakedb.Conn) driver.Conn { return numbered{c} }),
			Hooks:     []sqlpool.Hooks{slogger.Options{Statements: true, Slow: time.Nanosecond}.Hooks(logger), leaks.Hooks(), page.Hooks()},
		})
		must(t, err)
		db := sqlpool.OpenDB(pool)
		defer db.Close()

		server.On(fakedb.Connect, fakedb.Fault{Times: 1, Err: errors.New("refused")})
		if _, err := db.Exec("INSERT"); err == nil {
			t.Error("a statement succeeds without a connection")
		}
		time.Sleep(time.Minute) // the next dial
		server.On(fakedb.Exec, fakedb.Fault{Times: 1, Delay: time.Second, Kill: true, Err: &fakedb.Error{Code: "57P01"}})
		if _, err := db.Exec("UPDATE"); err == nil { // slow, and the end of its connection
			t.Error("a killed statement succeeds")
		}
		rows, err := db.Query("SELECT")
		must(t, err)
		time.Sleep(32 * time.Second) // a leak
		must(t, rows.Close())

		for _, body := range []string{
			`{"do":"pause"}`, `{"do":"resume"}`, `{"do":"resize","max_conns":8}`, `{"do":"recycle","seconds":0}`, `{"do":"resize"}`, `{"do":"recycle","seconds":-1}`,
		} {
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			page.Handler().ServeHTTP(httptest.NewRecorder(), r)
		}
		synctest.Wait()
	})
	return out.Bytes()
}

// numbered is a connection whose driver tells the server's process.
type numbered struct{ *fakedb.Conn }

func (numbered) Backend() (pid uint32, server, role string) { return 4711, "db:5432", "primary" }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
