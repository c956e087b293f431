package byname_test

// The tests have both drivers. Those of package byname cannot import them, because they
// import it.
import (
	_ "github.com/sqlpool/go/drivers/libpq"
	_ "github.com/sqlpool/go/drivers/pgxv5"
)
