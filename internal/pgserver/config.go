//go:build unix

package pgserver

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// configure appends to the settings that initdb wrote (the last mention of a name wins) and replaces the access rules.
func (s *Server) configure(ctx context.Context) error {
	settings := map[string]string{
		"listen_addresses":               "127.0.0.1",
		"unix_socket_directories":        s.dir,
		"max_connections":                strconv.Itoa(cmp.Or(s.options.MaxConnections, 100)),
		"superuser_reserved_connections": "3",
		// The process title of every backend starts with it: so a backend is recognised after its postmaster died.
		"cluster_name": filepath.Base(s.dir),
		"timezone":     "UTC",
		"log_timezone": "UTC",

		// A commit waits until its WAL is written, not until it is on the disk: see Options.Durable. full_page_writes
		// stays on: Linux looks for a fatal signal after each 4 kB of a write, so kill -9 can tear an 8 kB page.
		"fsync":              onOff(s.options.Durable),
		"synchronous_commit": "on",
		"full_page_writes":   "on",

		// Files in the data folder instead of /dev/shm, so that nothing stays behind after kill -9.
		"dynamic_shared_memory_type": "mmap",

		"password_encryption": "scram-sha-256", // PostgreSQL 13 has md5 by default

		// The log is read by log.go.
		"logging_collector":        "off",
		"log_destination":          "stderr",
		"log_line_prefix":          logPrefix,
		"lc_messages":              "C",
		"log_connections":          "on",
		"log_disconnections":       "on",
		"log_checkpoints":          "off",
		"log_parameter_max_length": "0",
	}
	if s.programs.hasLibrary(ctx, "pg_stat_statements") {
		settings["shared_preload_libraries"] = "pg_stat_statements"
	}
	if s.options.TLS {
		settings["ssl"] = "on"
		settings["ssl_cert_file"] = filepath.Join(s.dir, certFile)
		settings["ssl_key_file"] = filepath.Join(s.dir, keyFile)
	}
	maps.Copy(settings, s.options.Settings)

	var conf strings.Builder
	conf.WriteString("\n# Set by pgserver.\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := strings.NewReplacer(`\`, `\\`, `'`, `''`, "\t", `\t`).Replace(settings[name])
		fmt.Fprintf(&conf, "%s = '%s'\n", name, value)
	}
	if err := appendFile(filepath.Join(s.data(), "postgresql.conf"), conf.String()); err != nil {
		return err
	}
	return s.writeAccessRules()
}

func (s *Server) writeAccessRules() error {
	method := "trust"
	if s.options.PasswordAuth {
		method = "scram-sha-256"
	}
	rules := "local all all trust\n" +
		"local replication all trust\n" +
		"host all all 127.0.0.1/32 " + method + "\n" +
		"host replication all 127.0.0.1/32 " + method + "\n"
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	return nil
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close()
		return fmt.Errorf("pgserver: %w", err)
	}
	return f.Close()
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
