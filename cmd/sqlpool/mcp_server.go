package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sqlpool/go/hooks/debugui"
)

// healthURI is where an assistant reads how the pool is.
const healthURI = "health://connection-pool"

// healthResource is the resource's JSON.
type healthResource struct {
	Status      string         `json:"status"` // starting, healthy, degraded, unhealthy, paused or closed
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
	Server        string  `json:"server,omitempty" jsonschema:"the address that was dialed"`
	Role          string  `json:"role,omitempty" jsonschema:"primary or standby, when it was dialed"`
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

// looker is a pool that can be looked at: that of a page, or one of our own.
type looker interface {
	look(ctx context.Context, since uint64) (*debugui.View, error)
}

// newServer returns the MCP server of a pool, without a query.
func newServer(instructions string, pool looker) *sdk.Server {
	s := sdk.NewServer(
		&sdk.Implementation{Name: "sqlpool", Title: "sqlpool connection pool", Version: version()},
		&sdk.ServerOptions{
			Instructions:       instructions,
			Capabilities:       &sdk.ServerCapabilities{},
			SubscribeHandler:   subscribe,
			UnsubscribeHandler: unsubscribe,
		})
	s.AddResource(healthOf, func(ctx context.Context, _ *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		v, err := pool.look(ctx, 0)
		if err != nil {
			return nil, err
		}
		text, err := json.MarshalIndent(healthFrom(v), "", "  ")
		if err != nil {
			return nil, err
		}
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{
			{URI: healthURI, MIMEType: "application/json", Text: string(text)},
		}}, nil
	})
	addLook(s, statisticsTool, pool, statisticsFrom)
	addLook(s, holdersTool, pool, holdersFrom)
	return s
}

// addLook adds a tool without arguments, whose result is a part of the pool's view.
func addLook[T any](s *sdk.Server, tool *sdk.Tool, pool looker, of func(*debugui.View) T) {
	sdk.AddTool(s, tool, func(ctx context.Context, _ *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, T, error) {
		v, err := pool.look(ctx, 0)
		if err != nil {
			var none T
			return nil, none, err
		}
		return nil, of(v), nil
	})
}

func healthFrom(v *debugui.View) healthResource {
	s := v.Status
	return healthResource{
		Status: s.Level, Reasons: s.Reasons, Steps: s.Steps, Since: s.Since, CheckedAt: v.At,
		LastError: s.LastError, LastErrorAt: s.LastErrorAt, Statistics: statisticsFrom(v),
	}
}

// server is the MCP server over an open pool. Reading statistics, holders and health never touches the database.
func (m *mcp) server(o *opened, log *slog.Logger) *sdk.Server {
	s := newServer("A connection pool on PostgreSQL. Read "+healthURI+" first when something fails: it says how the "+
		"pool is, why and since when. An error of the database has the code "+codeDatabase+" and the pool's statistics.", o)
	reader := &reader{opened: o, timeout: m.Timeout, maxRows: m.MaxRows, privileged: m.Privileged, log: log}
	sdk.AddTool(s, &sdk.Tool{
		Name: "query", Annotations: readOnly("Read-only query"),
		Description: "Runs one SELECT, VALUES, TABLE or WITH statement in a read-only transaction, or explains one. " +
			"Nothing else runs: no second statement, no write.",
	}, reader.call)
	return s
}
