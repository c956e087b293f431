package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// An assistant looks at the pool of a program that runs, with its holders, and is told of changes.
func TestMCPOfARunningProgram(t *testing.T) {
	ui := debugui.New(debugui.Config{})
	pool, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Name: "orders", MaxConns: 3, Hooks: []sqlpool.Hooks{ui.Hooks()}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	web := httptest.NewServer(ui.Handler())
	defer web.Close()
	tx, err := sqlpool.OpenDB(pool).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE orders SET total = 'secret'"); err != nil {
		t.Fatal(err)
	}

	a := serve(t, "", "--page", web.URL+"/debug/sqlpool/")
	tools, err := a.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) != 2 {
		t.Errorf("tools: %+v (%v); want statistics and holders, and no query", tools, err)
	}
	health := func() (h healthResource) {
		t.Helper()
		read, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: healthURI})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(read.Contents[0].Text), &h); err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := health(); h.Status != "healthy" || h.Statistics.Pool != "orders" || h.Statistics.InUse != 1 || h.Statistics.MaxConns != 3 || h.Statistics.AcquireCount != 1 {
		t.Errorf("health: %+v", h)
	}
	for tool, want := range map[string]string{"pool_statistics": `"in_use":1`, "pool_holders": `UPDATE orders SET total = ?`} {
		result, err := a.CallTool(t.Context(), &sdk.CallToolParams{Name: tool})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(result.StructuredContent)
		if result.IsError || !strings.Contains(string(text), want) || strings.Contains(string(text), "secret") {
			t.Errorf("%s: %s", tool, text)
		}
	}

	if err := a.Subscribe(t.Context(), &sdk.SubscribeParams{URI: healthURI}); err != nil {
		t.Fatal(err)
	}
	pool.Pause()
	if uri := <-a.updated; uri != healthURI {
		t.Errorf("changed: %s", uri)
	}
	if h := health(); h.Status != "paused" || len(h.Steps) == 0 {
		t.Errorf("changed: %+v", h)
	}
	web.Close() // the program is gone
	<-a.updated
	if _, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: healthURI}); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("without the program: %v", err)
	}
}

func TestAnIndexSaysWhichPagesThereAre(t *testing.T) {
	web := httptest.NewServer(debugui.Index(debugui.New(debugui.Config{}), debugui.New(debugui.Config{})))
	defer web.Close()
	status, _, stderr := start(t, nil, "watch", "--once", web.URL)
	if status != exitFailed || !strings.Contains(stderr, "has several pools: take one of "+web.URL+"/debug/sqlpool/pool-1/, ") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

// The pools of replicas have slashes and colons in their names.
func TestThePagesOfAnIndexCanBeWatched(t *testing.T) {
	names := []string{"orders/replica/db2:5432", "orders/replica/[::1]:5432"}
	var pages []*debugui.UI
	for _, name := range names {
		ui := debugui.New(debugui.Config{})
		pool, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), Name: name, Hooks: []sqlpool.Hooks{ui.Hooks()}})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		pages = append(pages, ui)
	}
	web := httptest.NewServer(debugui.Index(pages...))
	defer web.Close()
	_, _, stderr := start(t, nil, "watch", "--once", web.URL)
	_, list, _ := strings.Cut(strings.TrimSpace(stderr), "take one of ")
	urls := strings.Split(list, ", ")
	if len(urls) != len(names) {
		t.Fatalf("%d pages: %s", len(urls), stderr)
	}
	for i, url := range urls {
		for _, form := range []string{url, strings.TrimSuffix(url, "/"), strings.TrimPrefix(url, "http://")} {
			if status, stdout, stderr := start(t, nil, "watch", "--once", form); status != exitOK || !strings.Contains(stdout, names[i]) {
				t.Errorf("%s: status %d, %s%s", form, status, stdout, stderr)
			}
		}
	}
}

func TestMCPTakesAPageOrADatabase(t *testing.T) {
	for args, want := range map[string]string{
		"mcp --page localhost:6060 --dsn postgres://h/db": "--page and --dsn are both set",
		"mcp --page ftp://h":                              "--page: the URL must be that of a page",
	} {
		if status, _, stderr := start(t, nil, strings.Fields(args)...); status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, %s", args, status, stderr)
		}
	}
}
