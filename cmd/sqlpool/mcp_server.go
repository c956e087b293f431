package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// healthURI is where an assistant reads how the pool is.
const healthURI = "health://connection-pool"

// healthResource is the resource's JSON.
type healthResource struct {
	Status      string         `json:"status"` // starting, healthy, degraded or unhealthy; of a page also paused and closed
	Reasons     []string       `json:"reasons"`
	Steps       []string       `json:"steps,omitempty"` // what to do first, as the page says it
	Since       time.Time      `json:"since"`
	CheckedAt   time.Time      `json:"checked_at"`
	LastError   string         `json:"last_error,omitempty"`
	LastErrorAt *time.Time     `json:"last_error_at,omitempty"`
	Statistics  poolStatistics `json:"statistics"`
}

// held is a loan that is out.
type held struct {
	Conn          uint64  `json:"conn" jsonschema:"number of the connection"`
	HeldMS        float64 `json:"held_ms"`
	LastStatement string  `json:"last_statement,omitempty" jsonschema:"text without arguments"`
	InTransaction bool    `json:"in_transaction"`
	Activity      string  `json:"activity,omitempty" jsonschema:"running: the server owes an answer; idle in hand: the program does nothing with it"`
	PID           uint32  `json:"pid,omitempty" jsonschema:"the server's process, as in pg_stat_activity"`
	AcquiredBy    string  `json:"acquired_by,omitempty" jsonschema:"function that acquired it"`
}

type holders struct {
	Holders []held `json:"holders" jsonschema:"the longest first"`
}

// The resource and the tools are alike for a pool of our own and for a running program's.
var (
	healthOf = &sdk.Resource{
		URI: healthURI, Name: "connection-pool-health", Title: "Health of the connection pool", MIMEType: "application/json",
		Description: "starting, healthy, degraded or unhealthy, with reasons, since when, and the pool's statistics at this moment. " +
			"Subscribers are told when the state changes.",
	}
	statisticsTool = &sdk.Tool{
		Name: "pool_statistics", Annotations: readOnly("Statistics of the pool"),
		Description: "Connections (open, idle, in use, dialing, closing), waits, failures and dials of the pool, as of the call.",
	}
	holdersTool = &sdk.Tool{
		Name: "pool_holders", Annotations: readOnly("Holders of connections"),
		Description: "Who holds connections of the pool now, the longest first: for how long, whether a statement runs or the connection is " +
			"idle in the program's hand, the server's process, the last statement, whether in a transaction.",
	}
)

func readOnly(title string) *sdk.ToolAnnotations {
	open := false
	return &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &open}
}

// nothing is what a tool without arguments is given.
type nothing struct{}

// server is the MCP server over an open pool. Reading statistics, holders and health never touches the database.
func (m *mcp) server(o *opened, log *slog.Logger) *sdk.Server {
	s := sdk.NewServer(
		&sdk.Implementation{Name: "sqlpool", Title: "sqlpool connection pool", Version: version()},
		&sdk.ServerOptions{
			Instructions: "A connection pool on PostgreSQL. Read " + healthURI + " first when something fails: it says how the " +
				"pool is, why and since when. An error of the database has the code " + codeDatabase + " and the pool's statistics.",
			Capabilities:       &sdk.ServerCapabilities{},
			SubscribeHandler:   subscribe,
			UnsubscribeHandler: unsubscribe,
		})
	s.AddResource(healthOf, o.readHealth)
	sdk.AddTool(s, statisticsTool, func(context.Context, *sdk.CallToolRequest, nothing) (*sdk.CallToolResult, poolStatistics, error) {
		return nil, o.statistics(), nil
	})
	sdk.AddTool(s, holdersTool, func(context.Context, *sdk.CallToolRequest, nothing) (*sdk.CallToolResult, holders, error) {
		return nil, o.holders(), nil
	})
	reader := &reader{opened: o, timeout: m.Timeout, maxRows: m.MaxRows, privileged: m.Privileged, log: log}
	sdk.AddTool(s, &sdk.Tool{
		Name: "query", Annotations: readOnly("Read-only query"),
		Description: "Runs one SELECT, VALUES, TABLE or WITH statement in a read-only transaction, or explains one. " +
			"Nothing else runs: no second statement, no write.",
	}, reader.call)
	return s
}

// readHealth answers while the database is down too: that is when it is asked.
func (o *opened) readHealth(context.Context, *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	s := o.monitor.Status()
	h := healthResource{
		Status: s.State.String(), Reasons: append([]string{}, s.Reasons...), Since: s.Since, CheckedAt: s.CheckedAt,
		LastError: s.LastError, Statistics: o.statistics(),
	}
	if !s.LastErrorAt.IsZero() {
		h.LastErrorAt = &s.LastErrorAt
	}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, err
	}
	return answered(text), nil
}

func answered(text []byte) *sdk.ReadResourceResult {
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{
		{URI: healthURI, MIMEType: "application/json", Text: string(text)},
	}}
}

func (o *opened) holders() holders {
	found := holders{Holders: []held{}}
	for _, h := range o.pool.Holders() {
		found.Holders = append(found.Holders, held{
			Conn: h.Conn, HeldMS: milliseconds(h.Held), LastStatement: h.LastStatement,
			InTransaction: h.InTransaction, Activity: string(h.Activity), PID: h.Backend.PID, AcquiredBy: h.Origin,
		})
	}
	return found
}
