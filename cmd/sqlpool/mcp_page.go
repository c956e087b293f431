package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sqlpool/go/hooks/debugui"
)

// lookEvery is how often a page is asked whether the state has changed.
const lookEvery = 2 * time.Second

// remote serves the pool of a running program, from its page, until the client leaves or the process is told to end. A program
// that does not answer is reported and returned to.
func (m *mcp) remote(ctx context.Context, in io.ReadCloser, out io.WriteCloser, log *slog.Logger) error {
	page, err := newPage(m.Page, m.Authorization)
	if err != nil {
		return err
	}
	log.Info("looking at the pool of a page", "page", page.String())
	server := newServer("The connection pool of a running program on PostgreSQL. Read "+healthURI+" first when something fails: it says "+
		"how the pool is, why, since when, and what to do first.", page)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	news := make(changes, 1)
	go news.tell(watching, server)
	go watchPage(watching, page, levelAt(ctx, page), news, log)
	err = server.Run(ctx, &sdk.IOTransport{Reader: in, Writer: out})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return errTold
	}
	return err
}

// levelAt is the state that a page tells now.
func levelAt(ctx context.Context, page *page) string {
	v, err := page.look(ctx, 0)
	if err != nil {
		return "no answer"
	}
	return v.Status.Level
}

// watchPage notes each change of the page's state, the program's end and return among them.
func watchPage(ctx context.Context, page *page, last string, news changes, log *slog.Logger) {
	for {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return
		}
		level := levelAt(ctx, page)
		if ctx.Err() != nil {
			return
		}
		if level != last {
			log.Info("health changed", "from", last, "to", level)
			news.note()
		}
		last = level
	}
}

func statisticsFrom(v *debugui.View) poolStatistics {
	g, c := v.Gauges, v.Counters
	p := poolStatistics{
		Pool: v.Pool, State: v.Status.State,
		MaxConns: g.MaxConns, Open: g.Open, Idle: g.Idle, InUse: g.InUse, Dialing: g.Dialing, Closing: g.Closing,
		Waiting: g.Waiting, PeakInUse: g.PeakInUse, AcquireCount: c.Acquires, ReleaseCount: c.Releases,
		WaitCount: c.Waits, WaitMS: c.WaitMS, MaxWaitMS: c.MaxWaitMS,
		TimeoutCount: c.Timeouts, CanceledCount: c.Canceled, SaturatedCount: c.Saturated, UnavailableCount: c.Unavailable,
		DialCount: c.Dials, DialErrorCount: c.DialErrors, CloseCount: c.Closes,
		Generation: c.Generation, MisuseCount: c.Misuses, CreatedAt: c.CreatedAt,
		LastError: v.Status.LastError, LastErrorAt: v.Status.LastErrorAt,
	}
	if c.Acquires > 0 {
		p.AverageAcquireMS = c.WaitMS / float64(c.Acquires)
	}
	return p
}

func holdersFrom(v *debugui.View) holders {
	found := holders{Holders: []held{}}
	for _, h := range v.Holders {
		found.Holders = append(found.Holders, held{
			Conn: h.Conn, HeldMS: h.HeldMS, LastStatement: h.Statement, InTransaction: h.InTransaction,
			Activity: h.Activity, PID: h.PID, Server: h.Server, Role: h.Role, AcquiredBy: h.Origin,
		})
	}
	return found
}
