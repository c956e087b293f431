//go:build unix

package bouncer

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestABouncerServesAndCanBeKilled(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server := pgserver.Shared(t)
	behind := server.TCP()
	b, err := Start(ctx, behind.Port, 200)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	behind.Port = b.Port()
	for range 3 {
		rows, err := pgserver.NewConsole(behind.URL("postgres")).Query(ctx, "SELECT 1")
		if err != nil || rows[0][0] != "1" {
			t.Fatalf("got %v, %v", rows, err)
		}
		if err := b.Kill(); err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port())))
		if err == nil {
			c.Close()
			t.Fatal("a killed bouncer accepts connections")
		}
		if err := b.Up(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAMissingProgramIsSaidInOneSentence(t *testing.T) {
	t.Setenv("SQLPOOL_PGBOUNCER", "/nonexistent/pgbouncer")
	if _, err := Start(context.Background(), 1, 200); err == nil || !strings.Contains(err.Error(), "SQLPOOL_PGBOUNCER") {
		t.Errorf("%v, want the variable that names it", err)
	}
	if strings.Count(ErrNoProgram.Error(), "\n") != 0 || !strings.Contains(ErrNoProgram.Error(), "install pgbouncer") {
		t.Errorf("%q is not one sentence that says what to install", ErrNoProgram)
	}
}
