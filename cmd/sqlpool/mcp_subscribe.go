package main

import (
	"context"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Who subscribes to the health resource is told when the pool becomes healthy, degraded or unhealthy.

// onlyHealth refuses a subscription to anything else: nothing would ever come of it.
func onlyHealth(uri string) error {
	if uri != healthURI {
		return sdk.ResourceNotFoundError(uri)
	}
	return nil
}

func subscribe(_ context.Context, r *sdk.SubscribeRequest) error     { return onlyHealth(r.Params.URI) }
func unsubscribe(_ context.Context, r *sdk.UnsubscribeRequest) error { return onlyHealth(r.Params.URI) }

// changes holds one change that has not been told yet; more are no news. So the pool never waits for a client that
// does not read.
type changes chan struct{}

func (c changes) note() {
	select {
	case c <- struct{}{}:
	default:
	}
}

// tell passes changes on to subscribers until ctx ends.
func (c changes) tell(ctx context.Context, s *sdk.Server) {
	for {
		select {
		case <-c:
			_ = s.ResourceUpdated(ctx, &sdk.ResourceUpdatedNotificationParams{URI: healthURI}) // a client that has left is not told
		case <-ctx.Done():
			return
		}
	}
}
