//go:build unix

package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/sqlpool/go/internal/pgserver"
)

// Seen is what the server has of a ledger: how often each token is there.
func Seen(ctx context.Context, server *pgserver.Console) (map[int64]int, error) {
	rows, err := server.Query(ctx, "SELECT token, count(*) FROM ledger GROUP BY token")
	if err != nil {
		return nil, err
	}
	seen := make(map[int64]int, len(rows))
	for _, row := range rows {
		token, err1 := strconv.ParseInt(row[0], 10, 64)
		count, err2 := strconv.Atoi(row[1])
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("ledger: the server's answer: %w", err)
		}
		seen[token] = count
	}
	return seen, nil
}
