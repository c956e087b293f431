//go:build !linux

package wire

import (
	"errors"
	"syscall"
	"time"
)

const userTimeoutSupported = false

func setUserTimeout(syscall.Conn, time.Duration) error { return errors.ErrUnsupported }
