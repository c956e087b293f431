package byname

// For package byname_test.
var SetEnv = setenv

// Rest is what a driver gets of a connection string.
func Rest(driverName, dsn string) (rest string, err error) {
	rest, _, err = registered[driverName].dialect.split(dsn)
	return rest, err
}
