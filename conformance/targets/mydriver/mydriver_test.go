package mydriver_test

import (
	"testing"

	"github.com/sqlpool/go/conformance"
	"github.com/sqlpool/go/conformance/targets/mydriver"
)

func TestConformance(t *testing.T) { conformance.Run(t, mydriver.Connector(t.TempDir())) }
