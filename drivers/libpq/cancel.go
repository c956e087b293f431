package libpq

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// A canceller sends cancel requests for a connection whose call was cut off.
// lib/pq sends one when a context ends, and no second one when that came too
// early. The zero canceller sends none.
type canceller struct {
	dialer *wire.Dialer
	key    []byte      // the server's process and secret, as the request has them
	tls    *tls.Config // nil: the connection is not encrypted
	direct bool        // TLS without asking for it first
}

// cancellerOf reads what a request needs from lib/pq's fields, as statusOf does
// and with the same price: a lib/pq without them gets no second request, and a
// statement that the first one missed keeps the server's side of a closed
// connection until it ends. See
// docs/decisions/0011-a-cancel-request-ends-when-the-server-says-so.md.
func cancellerOf(inner driver.Conn, dialer *wire.Dialer, cfg pq.Config) canceller {
	ptr := reflect.ValueOf(inner)
	if ptr.Kind() != reflect.Pointer || ptr.Elem().Kind() != reflect.Struct {
		return canceller{}
	}
	pid, secret, socket := ptr.Elem().FieldByName("pid"), ptr.Elem().FieldByName("secretKey"), ptr.Elem().FieldByName("c")
	switch {
	case !pid.IsValid() || pid.Kind() != reflect.Int || pid.Int() == 0,
		!secret.IsValid() || secret.Type() != reflect.TypeFor[[]byte]() || secret.Len() == 0,
		!socket.IsValid() || socket.Type() != reflect.TypeFor[net.Conn]():
		return canceller{}
	}
	c := canceller{dialer: dialer, key: append(binary.BigEndian.AppendUint32(nil, uint32(pid.Int())), secret.Bytes()...)}
	switch socket.Elem().Type() {
	case reflect.TypeFor[*wire.Conn](), reflect.TypeFor[*filtered]():
	case reflect.TypeFor[*tls.Conn]():
		c.direct = cfg.SSLNegotiation == pq.SSLNegotiationDirect
		c.tls = &tls.Config{
			ServerName: cfg.Host,
			NextProtos: []string{"postgresql"},
			// lib/pq has checked the server, with settings that it does not share. This
			// goes to the same address, and what it would tell an impostor is how to
			// cancel a statement that is being cancelled. libpq before version 17 sends
			// it without any encryption.
			InsecureSkipVerify: true,
		}
	default:
		return canceller{} // encrypted in another way
	}
	return c
}

// cancel sends a request and waits until the server has dealt with it.
func (c *canceller) cancel(ctx context.Context) error {
	if c.key == nil {
		return errors.New("this lib/pq does not tell its cancel key")
	}
	socket, err := c.dialer.DialAgain(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	conn := socket
	if c.tls != nil {
		if !c.direct {
			if err := askForTLS(socket); err != nil {
				return err
			}
		}
		conn = tls.Client(socket, c.tls)
	}
	const cancelRequest = 1234<<16 | 5678
	if _, err := conn.Write(startup(cancelRequest, c.key)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, socket)
	return err
}

func askForTLS(conn net.Conn) error {
	const sslRequest = 1234<<16 | 5679
	if _, err := conn.Write(startup(sslRequest, nil)); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[0] != 'S' {
		return errors.New("the server refuses TLS for a cancel request")
	}
	return nil
}

// startup returns a message of the kind that begins a connection.
func startup(code uint32, rest []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	return append(binary.BigEndian.AppendUint32(b, code), rest...)
}
