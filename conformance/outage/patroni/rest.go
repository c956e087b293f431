//go:build unix

package patroni

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// A Standing is how a cluster is made up, as Patroni tells it.
type Standing struct {
	Leader, Sync *Node // nil for none
	Standbys     int   // that replicate, the synchronous one among them
}

// Standing asks Patroni, the first node that answers.
func (c *Cluster) Standing(ctx context.Context) (Standing, error) {
	var errs []error
	for _, n := range c.Nodes {
		if n.frozen != nil {
			continue
		}
		text, err := n.ask(ctx, http.MethodGet, "/cluster", nil)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var told struct {
			Members []struct{ Name, Role, State string }
		}
		if err := json.Unmarshal(text, &told); err != nil {
			return Standing{}, fmt.Errorf("patroni: %w", err)
		}
		var s Standing
		for _, m := range told.Members {
			running := m.State == "running" || m.State == "streaming"
			switch {
			case !running:
			case m.Role == "leader":
				s.Leader = c.node(m.Name)
			case m.Role == "sync_standby":
				s.Sync = c.node(m.Name)
				s.Standbys++
			default:
				s.Standbys++
			}
		}
		return s, nil
	}
	return Standing{}, errors.Join(errs...)
}

func (c *Cluster) node(name string) *Node {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Whole returns when all three nodes run, one as a synchronous standby.
func (c *Cluster) Whole(ctx context.Context) error {
	for {
		s, err := c.Standing(ctx)
		if err == nil && s.Leader != nil && s.Sync != nil && s.Standbys == len(c.Nodes)-1 {
			return nil
		}
		if over := pause(ctx); over != nil {
			return errors.Join(fmt.Errorf("patroni: waiting for a leader and two standbys: %w", over), err, c.lastWords())
		}
	}
}

// lastWords is the end of each node's log: why a cluster is not whole stands there.
func (c *Cluster) lastWords() error {
	var all []error
	for _, n := range c.Nodes {
		text, err := os.ReadFile(filepath.Join(c.dir, n.Name+".log"))
		if err != nil {
			return err
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		all = append(all, fmt.Errorf("the log of %s ends:\n\t%s", n.Name, strings.Join(lines[max(0, len(lines)-8):], "\n\t")))
	}
	return errors.Join(all...)
}

// Switchover has the leader hand over to another node, and returns when Patroni says
// that it has.
func (c *Cluster) Switchover(ctx context.Context, from, to *Node) error {
	order, err := json.Marshal(map[string]string{"leader": from.Name, "candidate": to.Name})
	if err != nil {
		return err
	}
	_, err = from.ask(ctx, http.MethodPost, "/switchover", order)
	return err
}

// ask asks one node's Patroni.
func (n *Node) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d%s", n.rest, path), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("patroni: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("patroni: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("patroni: %s of %s: %s: %s", path, n.Name, response.Status, bytes.TrimSpace(text))
	}
	return text, nil
}
