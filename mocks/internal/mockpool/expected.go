package mockpool

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"strings"
	"unsafe"

	"github.com/DATA-DOG/go-sqlmock"
)

// expectation is one of the mock's, as far as a diff shows it.
type expectation struct {
	text string
	met  bool
}

// expectations reads the mock's list. Go-sqlmock tells only the first that was
// not met, so this looks into its private fields; ok is false when a version of
// it has others, and then its own sentence has to do. No goroutine may use the
// mock meanwhile.
func expectations(mock sqlmock.Sqlmock) (list []expectation, ok bool) {
	v := reflect.ValueOf(mock)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, false
	}
	all := field(v, "expected")
	if !all.IsValid() || all.Kind() != reflect.Slice {
		return nil, false
	}
	for i := range all.Len() {
		e := all.Index(i).Elem()
		triggered := field(e, "triggered")
		if !triggered.IsValid() || triggered.Kind() != reflect.Bool {
			return nil, false
		}
		list = append(list, describe(e, triggered.Bool()))
	}
	return list, true
}

// describe is one expectation, a pointer to one of go-sqlmock's Expected types.
func describe(e reflect.Value, met bool) expectation {
	query, args := "", []any(nil)
	if f := field(e, "expectSQL"); f.IsValid() && f.Kind() == reflect.String {
		query = f.String()
	}
	if f := field(e, "args"); f.IsValid() {
		values, _ := f.Interface().([]driver.Value)
		for _, v := range values {
			args = append(args, argument(v))
		}
	}
	text := line(strings.TrimPrefix(e.Type().Elem().Name(), "Expected"), query, args)
	for _, then := range []struct{ must, was, say string }{
		{"mustBeClosed", "wasClosed", "statement is closed"},
		{"rowsMustBeClosed", "rowsWereClosed", "rows are closed"},
	} {
		if is(e, then.must) {
			text += ", then its " + then.say
			met = met && is(e, then.was)
		}
	}
	return expectation{text, met}
}

// argument is an expected argument as it is shown: a matcher by its type.
func argument(v driver.Value) any {
	switch v := v.(type) {
	case sql.NamedArg:
		return v.Name + "=" + show(v.Value)
	case sqlmock.Argument:
		return reflect.TypeOf(v)
	default:
		return v
	}
}

func is(e reflect.Value, name string) bool {
	f := field(e, name)
	return f.IsValid() && f.Kind() == reflect.Bool && f.Bool()
}

// field returns a private field of the struct that v points to, readable.
func field(v reflect.Value, name string) reflect.Value {
	f := v.Elem().FieldByName(name)
	if !f.IsValid() {
		return f
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}
