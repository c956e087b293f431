package sqlpool_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

func TestATimeoutOfAnHourIsOdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{AcquireTimeout: 5000 * time.Second, CloseTimeout: time.Hour, PingAfter: 2 * time.Hour, ShutdownTimeout: 59 * time.Minute})
		notes := map[string]string{}
		for _, s := range p.Settings() {
			if s.Note != "" {
				notes[s.Name] = s.Note
			}
		}
		if len(notes) != 2 || notes["CloseTimeout"] == "" || notes["AcquireTimeout"] != "AcquireTimeout is 1h23m20s: a timeout of an hour or more is seldom meant" {
			t.Errorf("%q", notes)
		}
	})
}

func TestSettingsTellWhereAValueCameFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := lab(t, sqlpool.Config{MaxConns: 4, AcquireTimeout: time.Second})
		must(t, p.Resize(8, 0))
		got := map[string]sqlpool.Setting{}
		for _, s := range p.Settings() {
			got[s.Name] = s
		}
		for _, want := range []sqlpool.Setting{
			{Name: "MaxConns", Value: "8", Source: sqlpool.SettingResized},
			{Name: "MinIdle", Value: "0", Source: sqlpool.SettingDefault},
			{Name: "AcquireTimeout", Value: "1s", Source: sqlpool.SettingProgram},
			{Name: "Backoff.First", Value: "100ms", Source: sqlpool.SettingDefault},
			{Name: "Backoff.Max", Value: "16s", Source: sqlpool.SettingDefault},
			{Name: "Statements", Value: "prepared", Source: sqlpool.SettingDefault},
		} {
			if got[want.Name] != want {
				t.Errorf("got %+v, want %+v", got[want.Name], want)
			}
		}
		// A field that is added to Config is shown too, but for the connector, in
		// which there may be a password.
		fields := reflect.TypeFor[sqlpool.Config]()
		for i := range fields.NumField() {
			name := fields.Field(i).Name
			if _, ok := got[name]; !ok && name != "Connector" && name != "Backoff" {
				t.Errorf("no setting %s", name)
			}
		}
		backoff := reflect.TypeFor[sqlpool.Backoff]()
		for i := range backoff.NumField() {
			if name := "Backoff." + backoff.Field(i).Name; got[name].Value == "" {
				t.Errorf("no setting %s", name)
			}
		}
	})
}
