package driverx

import (
	"database/sql/driver"
	"fmt"
	"reflect"
)

// Convert converts a statement's arguments by the rules of the inner
// connection, in place, as database/sql would have done had it known that
// connection: it asks before there is a loan, so the session accepts every
// argument then. The order is database/sql's: the statement's own checker or
// else the connection's, then the statement's column converter, then the
// default. stmt may be nil; want is the number of arguments that must remain,
// or -1.
func Convert(conn driver.Conn, stmt driver.Stmt, args []driver.NamedValue, want int) ([]driver.NamedValue, error) {
	checker, ok := stmt.(driver.NamedValueChecker)
	if !ok {
		checker, _ = conn.(driver.NamedValueChecker)
	}
	//lint:ignore SA1019 a driver may still have only this
	columns, _ := stmt.(driver.ColumnConverter)

	kept := 0
	for i := range args {
		arg := &args[kept] // in place: a copy would escape to the checker and cost an allocation
		if i != kept {
			*arg = args[i]
		}
		arg.Ordinal = kept + 1
		switch err := convertArg(arg, checker, columns, want); err {
		case nil:
			kept++
		case driver.ErrRemoveArgument:
		default:
			return nil, fmt.Errorf("sql: converting argument %s type: %w", nameArg(arg), err)
		}
	}
	if want != -1 && kept != want {
		return nil, fmt.Errorf("sql: expected %d arguments, got %d", want, kept)
	}
	return args[:kept], nil
}

func nameArg(arg *driver.NamedValue) string {
	if arg.Name == "" {
		return fmt.Sprintf("$%d", arg.Ordinal)
	}
	return fmt.Sprintf("with name %q", arg.Name)
}

// convertArg asks each rule in turn; driver.ErrSkip passes on to the next. Like
// database/sql it compares with ==, so a wrapped ErrSkip is an error.
//
//lint:ignore SA1019 a driver may still have only ColumnConverter
func convertArg(arg *driver.NamedValue, checker driver.NamedValueChecker, columns driver.ColumnConverter, want int) error {
	if checker != nil {
		if err := checker.CheckNamedValue(arg); err != driver.ErrSkip {
			return err
		}
	}
	if columns != nil {
		if err := convertColumn(arg, columns, want); err != driver.ErrSkip {
			return err
		}
	}
	var err error
	arg.Value, err = driver.DefaultParameterConverter.ConvertValue(arg.Value)
	return err
}

//lint:ignore SA1019 a driver may still have only ColumnConverter
func convertColumn(arg *driver.NamedValue, columns driver.ColumnConverter, want int) error {
	column := arg.Ordinal - 1
	if want >= 0 && column >= want || want < 0 && !convertsUncounted {
		return nil // too many arguments: the count will say so
	}
	if v, ok := arg.Value.(driver.Valuer); ok {
		value, err := valueOf(v)
		if err != nil {
			return err
		}
		if !driver.IsValue(value) {
			return fmt.Errorf("non-subset type %T returned from Value", value)
		}
		arg.Value = value
	}
	given := arg.Value
	var err error
	arg.Value, err = columns.ColumnConverter(column).ConvertValue(given)
	if err != nil {
		return err
	}
	if !driver.IsValue(arg.Value) {
		return fmt.Errorf("driver ColumnConverter error converted %T to unsupported type %T", given, arg.Value)
	}
	return nil
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// valueOf calls Value, except on a nil pointer whose type has the method by its
// element: that is NULL.
func valueOf(v driver.Valuer) (driver.Value, error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return nil, nil
	}
	return v.Value()
}

// Named gives arguments their ordinals, for the methods of driver.Stmt that have no context.
func Named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}
