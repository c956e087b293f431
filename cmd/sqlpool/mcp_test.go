package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sqlpool/go/internal/pgserver"
)

// readerRole makes a role that may read a database's tables and nothing else, and returns a DSN for it.
func readerRole(t *testing.T, server *pgserver.Server, database string) string {
	t.Helper()
	err := server.In(database).Exec(t.Context(), `
		CREATE TABLE orders (id int PRIMARY KEY, note text, paid numeric);
		INSERT INTO orders SELECT n, 'order ' || n, n / 4.0 FROM generate_series(1, 50) n;
		CREATE SEQUENCE numbers;
		CREATE ROLE assistant LOGIN PASSWORD 'hunter2';
		GRANT ALL ON orders, numbers TO assistant; -- it could write, if its transactions let it
		GRANT CREATE ON SCHEMA public TO assistant`)
	if err != nil {
		t.Fatal(err)
	}
	as := server.TCP()
	as.User, as.Password = "assistant", "hunter2"
	return as.URL(database)
}

func TestMCP(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	database := server.NewDatabase(t)
	dsn := readerRole(t, server, database)
	for _, driver := range []string{"pgx", "pq"} {
		t.Run(driver, func(t *testing.T) {
			a := serve(t, dsn+"&pool_max_conns=3", "--driver", driver, "--json", "--max-rows", "20")
			if info := a.InitializeResult(); info.ServerInfo.Name != "sqlpool" || !strings.Contains(info.Instructions, healthURI) {
				t.Errorf("initialize: %+v", info)
			}
			tools, err := a.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, tool := range tools.Tools {
				names = append(names, tool.Name)
				if tool.Annotations == nil || !tool.Annotations.ReadOnlyHint || tool.OutputSchema == nil {
					t.Errorf("tool %+v", tool)
				}
			}
			if got := strings.Join(names, " "); got != "pool_holders pool_statistics query" {
				t.Errorf("tools: %s", got)
			}
			resources, err := a.ListResources(t.Context(), nil)
			if err != nil || len(resources.Resources) != 1 || resources.Resources[0].URI != healthURI {
				t.Errorf("resources: %+v (%v)", resources, err)
			}

			a.until("healthy")
			rows := a.ask("SELECT id, note, paid, now(), NULL::text, '\\x00ff'::bytea, 9007199254740993, true, 'NaN'::float8 FROM orders ORDER BY id;")
			if rows.Error != nil || rows.RowCount != 20 || !strings.Contains(rows.Truncated, "limit of 20") {
				t.Errorf("got %+v", rows)
			}
			first, err := json.Marshal(append(rows.Rows[0][:3:3], rows.Rows[0][4:]...))
			if want := `[1,"order 1","0.25000000000000000000",null,"\\x00ff","9007199254740993",true,"NaN"]`; err != nil || string(first) != want {
				t.Errorf("the first row is %s, not %s (%v)", first, want, err)
			}
			if rows.Columns[1].Name != "note" || rows.Columns[1].Type != "TEXT" {
				t.Errorf("columns: %+v", rows.Columns)
			}
			var plan answer
			if a.call("query", question{SQL: "UPDATE orders SET paid = 0 WHERE id = 7", Explain: true}, &plan); plan.Error != nil || plan.RowCount == 0 {
				t.Errorf("explain: %+v", plan)
			}
			if big := a.ask("SELECT repeat('ä', 100000)"); big.RowCount != 1 || !strings.HasSuffix(big.Rows[0][0].(string), " of 200000 bytes)") {
				t.Errorf("a long value: %+v", big.Truncated)
			}

			var statistics poolStatistics
			a.call("pool_statistics", nil, &statistics)
			if statistics.State != "up" || statistics.MaxConns != 3 || statistics.AcquireCount < 3 || statistics.CreatedAt.IsZero() {
				t.Errorf("statistics: %+v", statistics)
			}
			a.holds()
			a.leave()
			if left, err := server.Activity(t.Context(), pgserver.Filter{Database: database}); err != nil || len(left) > 0 {
				t.Errorf("left on the server: %+v (%v)", left, err)
			}
			if strings.Contains(a.stdout.String()+a.stderr.String(), "hunter2") {
				t.Error("the password is shown")
			}
			for line := range strings.SplitSeq(strings.TrimSpace(a.stderr.String()), "\n") {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON on standard error: %q", line)
				}
			}
		})
	}
}

// holds sees a query that is under way among the holders, and cancels it as a client does.
func (a *assistant) holds() {
	a.t.Helper()
	ctx, cancel := context.WithCancel(a.t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := a.CallTool(ctx, &sdk.CallToolParams{Name: "query", Arguments: question{SQL: "SELECT pg_sleep(60)"}})
		asked <- err
	}()
	var found holders
	for limit := time.Now().Add(time.Minute); ; {
		a.call("pool_holders", nil, &found)
		if len(found.Holders) == 1 && found.Holders[0].InTransaction && strings.Contains(found.Holders[0].LastStatement, "FETCH") {
			break
		}
		if time.Now().After(limit) {
			a.t.Fatalf("holders: %+v", found)
		}
	}
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		a.t.Errorf("the cancelled query: %v", err)
	}
	for limit := time.Now().Add(time.Minute); len(found.Holders) > 0; {
		if a.call("pool_holders", nil, &found); time.Now().After(limit) {
			a.t.Fatalf("still held: %+v", found)
		}
	}
}
