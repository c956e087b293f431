package pgxv5

import (
	"os"
	"path/filepath"
	"testing"
)

// A default file that is gone takes neither the password nor anything else with it.
func TestAFileThatIsGoneTakesNothingWithIt(t *testing.T) {
	passfile := filepath.Join(t.TempDir(), "passfile")
	t.Setenv("PGPASSFILE", passfile)
	if err := os.WriteFile(passfile, []byte("*:*:*:*:geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Connector("host=127.0.0.1 user=app dbname=orders sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(passfile); err != nil {
		t.Fatal(err)
	}
	cfg, err := c.(*connector).source.Latest(t.Context())
	if err == nil || cfg.Password != "geheim" {
		t.Errorf("password kept: %v, error %v", cfg.Password == "geheim", err)
	}
}
