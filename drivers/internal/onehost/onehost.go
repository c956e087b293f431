// Package onehost has a connection string lead to one server that it does not name, with all else that it says: the
// replicas of a database have its user, its passwords and its TLS.
package onehost

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Host is where a server is found.
type Host struct {
	Name string // of a host, an IP address, or the directory of a Unix socket
	Port uint16 // zero: that of the connection string
}

// Socket reports whether the server is found by a Unix socket.
func (h Host) Socket() bool { return strings.HasPrefix(h.Name, "/") || strings.HasPrefix(h.Name, "@") }

// String is the host as Parse reads it: "db2:5432", "[::1]:5432", "/run/postgresql:5432", or without a port.
func (h Host) String() string {
	name := h.Name
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if h.Port == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(int(h.Port))
}

// Error is a host that does not go with the connection string.
type Error struct {
	Rule   string // what is wrong
	Remedy string // what to do about it
}

// Error implements error.
func (e *Error) Error() string { return e.Rule + "; " + e.Remedy }

// Beside returns h with a port, in place of the hosts of a connection string. The error is an *Error.
//
// A Unix socket in place of a host or the reverse is refused: the drivers drop what the string says of TLS when its host is
// a socket.
func (h Host) Beside(own []Host) (Host, error) {
	ports := map[uint16]bool{}
	for _, o := range own {
		if o.Socket() != h.Socket() {
			rule := "the host of the connection string is a Unix socket, and this one is not, so that nothing is said of its TLS"
			if h.Socket() {
				rule = "it is a Unix socket, and the host of the connection string is not"
			}
			return h, &Error{rule, "give all of them hosts, or all of them directories of Unix sockets"}
		}
		ports[o.Port] = true
		if h.Port == 0 && len(ports) > 1 {
			return h, &Error{"the hosts of the connection string have different ports", fmt.Sprintf("give %s a port (%s:5432)", h.Name, h.Name)}
		}
	}
	if h.Port == 0 && len(own) > 0 {
		h.Port = own[0].Port
	}
	return h, nil
}

// Parse reads "host", "host:port", "[address]:port" or "/directory:port".
func Parse(text string) (Host, bool) {
	name, port, hasPort := text, "", false
	colon := strings.LastIndexByte(text, ':')
	switch socket := strings.HasPrefix(text, "/"); {
	case strings.HasPrefix(text, "["):
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return Host{}, false
		}
		name = text[1:end]
		if address, _, _ := strings.Cut(name, "%"); net.ParseIP(address) == nil || !strings.Contains(address, ":") {
			return Host{}, false
		}
		if rest := text[end+1:]; rest != "" {
			if port, hasPort = strings.CutPrefix(rest, ":"); !hasPort {
				return Host{}, false
			}
		}
	case colon >= 0 && (!socket || colon > strings.LastIndexByte(text, '/')):
		name, port, hasPort = text[:colon], text[colon+1:], true
	}
	h := Host{Name: name}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strings.HasPrefix(port, "+") {
			return Host{}, false
		}
		h.Port = uint16(n)
	}
	return h, named(text, h)
}

// named reports whether the host has a name that can be one.
func named(text string, h Host) bool {
	extra := ".-_"
	switch {
	case strings.HasPrefix(text, "["):
		extra = ":.%-_" // with a zone
	case h.Socket():
		extra = "/.-_+"
	}
	return h.Name != "" && !strings.ContainsFunc(h.Name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || slices.Contains([]rune(extra), r))
	})
}
