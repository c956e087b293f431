//go:build !linux && !darwin

package wire

import (
	"errors"
	"net"
)

// A peeker cannot look at a socket here: the answer is always that.
type peeker struct{}

func (*peeker) init(net.Conn) {}

func (*peeker) look() error { return errors.ErrUnsupported }
