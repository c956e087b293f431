//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// backUp copies the data folder of a running primary, in the way of the manual's chapter on the low-level backup API, and
// makes the copy a standby's. pg_basebackup does the same, but not every installation of the server has that program. The
// session must be one and the same from the start of the backup to its end.
func (s *Server) backUp(ctx context.Context, primary *Server, conn *pgconn.PgConn) error {
	start, stop := "pg_backup_start('standby', true)", "pg_backup_stop(false)"
	if version := conn.ParameterStatus("server_version"); strings.HasPrefix(version, "13.") || strings.HasPrefix(version, "14.") {
		start, stop = "pg_start_backup('standby', true, false)", "pg_stop_backup(false, false)"
	}
	if _, err := ask(ctx, conn, "SELECT "+start); err != nil {
		return err
	}
	if err := copyLive(s.data(), primary.data(), s.account); err != nil {
		return err
	}
	rows, err := ask(ctx, conn, "SELECT labelfile FROM "+stop)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"backup_label": rows[0][0], "standby.signal": ""} {
		path := filepath.Join(s.data(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("pgserver: %w", err)
		}
		if err := s.account.own(path); err != nil {
			return fmt.Errorf("pgserver: %w", err)
		}
	}
	// The server's own file of settings, which the primary's ALTER SYSTEM wrote, wins over postgresql.conf.
	return appendFile(filepath.Join(s.data(), "postgresql.auto.conf"),
		fmt.Sprintf("primary_conninfo = 'user=postgres host=%s port=%d'\n", primary.dir, primary.port))
}

// keptOut says whether a running server's file, by its path in the data folder, has no meaning for a copy: what belongs to
// the server's processes, its replication slots, and the WAL. The folders themselves must be there.
func keptOut(path string) bool {
	folder, name := filepath.Split(path)
	switch filepath.Clean(folder) {
	case "pg_dynshmem", "pg_notify", "pg_replslot", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans", "pg_wal":
		return true
	}
	return path == "postmaster.pid" || path == "postmaster.opts" || name == "pg_internal.init" || strings.HasPrefix(name, "pgsql_tmp")
}
