package debugui

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// misdirected says why a request is not answered, or nothing.
//
// A site can have its own name resolve to the address of this machine. To the
// browser the page is then that site's own: its scripts read the answers and send
// commands, and Origin and Sec-Fetch-Site say same-origin. Only the Host header
// still has the site's name. An address cannot be made to lead elsewhere, and
// localhost never leaves the machine.
func (u *UI) misdirected(r *http.Request) string {
	if !u.cfg.Controls && len(u.cfg.Hosts) == 0 {
		return ""
	}
	host := hostOf(r.Host)
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") {
		return ""
	}
	for _, name := range u.cfg.Hosts {
		if host != "" && strings.EqualFold(host, hostOf(name)) {
			return ""
		}
	}
	return fmt.Sprintf("this page is served under IP addresses, localhost and the names in debugui.Config.Hosts, and %.100q is none of them: "+
		"use an address, or add the name there", host)
}

// hostOf is the host of a Host header: without port, brackets and the dot at the
// end of a full name.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(host, ".")
}
