package libpq

import (
	"context"
	"errors"
	"testing"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestLastWords(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	c := adapter(t, server.TCP().With("application_name", "victim").URL("postgres"))
	if err := c.LastError(); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Terminate(context.Background(), pgserver.Filter{Application: "victim"}); err != nil {
		t.Fatal(err)
	}
	for c.Alive() == nil {
	}
	if err := c.Ping(context.Background()); err == nil {
		t.Fatal("no error")
	}
	var words *pq.Error
	if err := c.LastError(); !errors.As(err, &words) || words.SQLState() != "57P01" {
		t.Errorf("%v, want the server's reason", err)
	}
}

func FuzzLastWords(f *testing.F) {
	whole := "E\x00\x00\x00\x24SFATAL\x00VFATAL\x00C57P01\x00Mgoodbye\x00\x00"
	f.Add([]byte(whole))
	f.Add([]byte(whole[:20]))
	f.Add([]byte("E\x00\x00\x00\x05\x00\x00"))
	f.Add([]byte("E\xff\xff\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := lastWords(b); err != nil && b[0] != 'E' {
			t.Error(err)
		}
	})
}
