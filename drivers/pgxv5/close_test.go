package pgxv5

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/pgserver"
)

// TestCloseAfterTheServersEnd: when the server has closed its side in the middle
// of a statement, Close waits for nobody, and not for the cancel request that pgx
// sends all the same.
func TestCloseAfterTheServersEnd(t *testing.T) {
	var client *net.TCPConn // the proxy's end of the connection
	dialed := 0
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialed++; dialed > 1 {
			<-ctx.Done() // a cancel request that gets nowhere
			return nil, ctx.Err()
		}
		server, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { server.Close() })
		near, far := tcpPair(t)
		client = far
		go io.Copy(server, far)
		go io.Copy(far, server)
		return near, nil
	}
	connector, err := Connector(pgserver.DSN(t), WithDialFunc(dial))
	if err != nil {
		t.Fatal(err)
	}
	c, err := connector.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	sent := c.(*conn).Sent()
	go func() {
		_, err := c.(*conn).ExecContext(context.Background(), "SELECT pg_sleep(5)", nil)
		result <- err
	}()
	for sent == c.(*conn).Sent() {
		time.Sleep(time.Millisecond)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err == nil {
		t.Fatal("the statement was served")
	}
	start := time.Now()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > closeLimit/2 {
		t.Errorf("Close took %v", took)
	}
}

func tcpPair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}
