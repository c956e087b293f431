package byname

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/stray"
)

var dialects = map[string]dialect{"pgx": pgxDialect, "pq": pqDialect}

func TestTakingSettingsOut(t *testing.T) {
	both := []string{"pgx", "pq"}
	for _, c := range []struct {
		on        []string
		dsn, rest string
		found     []param
	}{
		{both, "", "", nil},
		{both, "postgres://u:p@h/db", "postgres://u:p@h/db", nil},
		{both, "postgres://u:p@h/db?", "postgres://u:p@h/db?", nil},
		{both, "postgres://h?pool_a=1", "postgres://h", []param{{"pool_a", "1", false}}},
		{both, "postgresql://h/?pool_a=1", "postgresql://h/", []param{{"pool_a", "1", false}}},
		{both, "postgres://h/db?a=1&pool_b=2&c=3", "postgres://h/db?a=1&c=3", []param{{"pool_b", "2", false}}},
		{both, "postgres://h/db?pool_b=2&c=3", "postgres://h/db?c=3", []param{{"pool_b", "2", false}}},
		{both, "postgres://h/db?a=%2f%2F+&pool_b=2", "postgres://h/db?a=%2f%2F+", []param{{"pool_b", "2", false}}},
		{both, "postgres://u:p@h1:1,h2:2/db?pool_a=1&b=2", "postgres://u:p@h1:1,h2:2/db?b=2", []param{{"pool_a", "1", false}}},
		{both, "postgres://h/db?pool%5Fa=1%6D", "postgres://h/db", []param{{"pool_a", "1m", false}}},
		{both, "postgres://h/db?Pool_A=1", "postgres://h/db", []param{{"Pool_A", "1", false}}},
		{both, "postgres://h/db?pool_a&pool_b=", "postgres://h/db", []param{{"pool_a", "", false}, {"pool_b", "", false}}},
		{both, "postgres://h/db?pool_a=%zz", "postgres://h/db", []param{{"pool_a", "%zz", false}}},
		{both, "postgres://h/db?options=pool_a=1", "postgres://h/db?options=pool_a=1", nil},
		{both, "postgres://[::1]:5432/db?pool_a=1", "postgres://[::1]:5432/db", []param{{"pool_a", "1", false}}},
		{both, "postgres:///db?host=/run&pool_a=1", "postgres:///db?host=/run", []param{{"pool_a", "1", false}}},

		// Where the drivers differ, each is followed.
		{[]string{"pgx"}, "postgres://u:p?pool_a=1@h/db?pool_b=2", "postgres://u:p?pool_a=1@h/db", []param{{"pool_b", "2", false}}},
		{[]string{"pgx"}, "postgres://[a?b/]/db?pool_b=2", "postgres://[a?b/]/db", []param{{"pool_b", "2", false}}},
		{[]string{"pgx"}, "postgres://h/db?pool_a=a+b", "postgres://h/db", []param{{"pool_a", "a+b", false}}},
		{[]string{"pgx"}, "postgres://h/db?pool_a=1#x", "postgres://h/db", []param{{"pool_a", "1#x", false}}},
		{[]string{"pgx"}, "postgres://h/db? pool_a = 1 ", "postgres://h/db", []param{{"pool_a", "1", false}}},
		{[]string{"pq"}, "postgres://h/db?pool_a=a+b", "postgres://h/db", []param{{"pool_a", "a b", false}}},
		{[]string{"pq"}, "postgres://h/db?pool_a=1#x", "postgres://h/db#x", []param{{"pool_a", "1", false}}},
		{[]string{"pq"}, "postgres://h/db#?pool_a=1", "postgres://h/db#?pool_a=1", nil},
		{[]string{"pq"}, "postgres://h?user=a@b&pool_a=1", "postgres://h?user=a@b", []param{{"pool_a", "1", false}}},

		{both, "host=h pool_a=1", "host=h ", []param{{"pool_a", "1", false}}},
		{both, "pool_a=1 host=h", "host=h", []param{{"pool_a", "1", false}}},
		{both, "  pool_a = 1  host = h ", "  host = h ", []param{{"pool_a", "1", false}}},
		{both, `a='x y' pool_a='1 \'2\'' b=c\ d`, `a='x y' b=c\ d`, []param{{"pool_a", "1 '2'", false}}},
		{both, `a='pool_b=2' pool_a=1`, `a='pool_b=2' `, []param{{"pool_a", "1", false}}},
		{both, `a='x'pool_a='1'b=2`, `a='x'b=2`, []param{{"pool_a", "1", false}}},
		{both, "a= pool_b=2", "a= pool_b=2", nil}, // libpq: the value of a is pool_b=2
		{both, "pool_a=", "", []param{{"pool_a", "", false}}},
		{both, `pool_a=1\`, "", []param{{"pool_a", "1", false}}},
		{both, "a=1\npool_b=2\n\tc=3", "a=1\nc=3", []param{{"pool_b", "2", false}}},
		{both, "pool_a=1 junk b=2", "junk b=2", []param{{"pool_a", "1", false}}},
		{both, "pool_a='1", "pool_a='1", nil}, // the driver says that the quote does not end
		{both, "service=pool_a pool_b=2", "service=pool_a ", []param{{"pool_b", "2", false}}},
		{[]string{"pgx"}, "a=1\u00a0pool_b=2", "a=1\u00a0pool_b=2", nil},
		{[]string{"pq"}, "a=1\u00a0pool_b=2", "a=1\u00a0", []param{{"pool_b", "2", false}}},
	} {
		for _, name := range c.on {
			rest, found, err := dialects[name].split(c.dsn)
			if err != nil || rest != c.rest || !slices.Equal(found, c.found) {
				t.Errorf("%s: %q is taken apart into %q and %+v, %v;\nwant %q and %+v", name, c.dsn, rest, found, err, c.rest, c.found)
			}
		}
	}
}

func TestNeitherForm(t *testing.T) {
	for _, dsn := range []string{
		"POSTGRES://u:hunter2@h/db?pool_max_conns=3", "jdbc:postgresql://h/db?password=hunter2", "u:hunter2@h/db",
		"postgres//u:hunter2@h/db?a=b", " postgres://u:hunter2@h/db?a=b", "host=h password=hun ter2@x=y",
	} {
		for name, d := range dialects {
			if _, _, err := d.split(dsn); err == nil || strings.Contains(err.Error(), "ter2") {
				t.Errorf("%s: %q: %v", name, dsn, err)
			}
		}
	}
}

// What was put behind a connection string with & goes for part of a value, and
// the server's answers lead everywhere but there.
func TestASettingBehindAnAmpersand(t *testing.T) {
	setenv(t)
	const inURL = "in the connection string: the URL has no ? before it, so that it is part of the database's name; write ? instead of the first &"
	const inPairs = "in the connection string: it is joined with & to what stands before it, so that it is part of that value; write a space instead of the &"
	for _, c := range []struct{ dsn, name, want string }{
		{"postgres://u:hunter2@h/shop&pool_max_conns=20", "pool_max_conns", inURL},
		{"postgres://u:hunter2@h/shop&sslmode=disable&Pool_Max_Con=20", "a pool_ parameter whose name is not shown", inURL},
		{"postgres://h:5432&pool_max_conns=20", "pool_max_conns", inURL},
		{"host=h user=u dbname=shop sslmode=disable&pool_max_conns=20", "pool_max_conns", inPairs},
		{"host=h password=hunter2 sslmode='disable'&pool_max_conns=20&pool_name=x", "pool_max_conns", inPairs},
		{"pool_name=x&pool_max_conns=20 host=h password=hunter2", "pool_max_conns", inPairs},
		{"host=h password=hunter2 dbname=shop&pool_hunter=20", "a pool_ parameter whose name is not shown", inPairs},
	} {
		for driver := range registered {
			_, err := Config(driver, c.dsn)
			if err == nil || !strings.HasPrefix(err.Error(), "drivers: "+c.name+" is (not shown) "+c.want) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s: %s: %v", driver, c.dsn, err)
			}
		}
	}
	t.Setenv("DATABASE_URL", "postgres://h/shop&pool_max_conns=20")
	if _, err := Config(PQ, ""); err == nil || !strings.Contains(err.Error(), "pool_max_conns is (not shown) in DATABASE_URL: ") {
		t.Error(err)
	}
	// Where a password may stand nothing is looked for, and quotes mean what they say.
	for _, dsn := range []string{
		"postgres://u:a&pool_max_conns=1@h/db", "postgres://u:a&pool_max_conns=1@h/db?pool_name=x", "postgres://h/db?password=a&sslmode=disable",
		"host=h password=a&pool_max_conns=1", "host=h sslpassword=a&pool_x=1 pool_name=x", "host=h application_name='a&pool_max_conns=1'",
	} {
		for driver := range registered {
			if _, err := Config(driver, dsn); err != nil {
				t.Errorf("%s: %s: %v", driver, dsn, err)
			}
		}
	}
}

// The drivers take what is left as they would take the original without the
// settings, wherever these stood and however the rest is written.
func TestTheRestIsUnchanged(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	values := []string{"x", "a b", "it's", `back\slash`, "100%", "a&b=c", "ünïcode", "p@ss:w/ord?#", "pool_max_conns=3", "+", "tab\there", "'", "a,b"}
	names := []string{"application_name", "search_path", "password", "user", "dbname", "options", "work_mem"}
	for range 2000 {
		var plain, mixed [2][]string // URL, key=value
		var want []param
		for _, i := range random.Perm(len(names))[:random.IntN(len(names))] {
			v := values[random.IntN(len(values))]
			for form, text := range []string{percent(random, names[i]) + "=" + percent(random, v), names[i] + "=" + quote(random, v)} {
				plain[form] = append(plain[form], text)
				mixed[form] = append(mixed[form], text)
			}
			for random.IntN(3) == 0 {
				p := param{"pool_" + names[random.IntN(len(names))], values[random.IntN(len(values))], false}
				want = append(want, p)
				// A bare @ there is refused: it may be of the password.
				mixed[0] = append(mixed[0], percent(random, p.name)+"="+strings.ReplaceAll(percent(random, p.value), "@", "%40"))
				mixed[1] = append(mixed[1], p.name+"="+quote(random, p.value))
			}
		}
		const base = "postgres://user:pw@h1,h2/db"
		for form, dsn := range [][2]string{
			{base + "?" + strings.Join(plain[0], "&"), base + "?" + strings.Join(mixed[0], "&")},
			{strings.Join(plain[1], " "), strings.Join(mixed[1], " ")},
		} {
			for name, d := range dialects {
				rest, found, err := d.split(dsn[1])
				for i := range found {
					found[i].behind = false // as the password happens to stand
				}
				if err != nil || !slices.Equal(found, want) {
					t.Fatalf("seed %d: %s, form %d: %q gave %+v, %v; want %+v", seed, name, form, dsn[1], found, err, want)
				}
				was, wasErr := seen(name, dsn[0])
				is, isErr := seen(name, rest)
				if wasErr != nil || isErr != nil || !reflect.DeepEqual(was, is) {
					t.Fatalf("seed %d: %s: %q became %q:\n%+v, %v\n%+v, %v", seed, name, dsn[1], rest, was, wasErr, is, isErr)
				}
			}
		}
	}
}

// percent encodes what must be, and some of what need not.
func percent(random *rand.Rand, s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i : i+1]; random.IntN(4) == 0 || url.PathEscape(c) != c || strings.ContainsAny(c, "&=+;") {
			fmt.Fprintf(&b, "%%%02X", s[i])
		} else {
			b.WriteString(c)
		}
	}
	return b.String()
}

func quote(random *rand.Rand, s string) string {
	if random.IntN(2) == 0 && !strings.HasPrefix(s, "'") {
		return strings.NewReplacer(`\`, `\\`, " ", `\ `, "\t", "\\\t", "'", `\'`).Replace(s)
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// seen is a connection string as its driver sees it, without our settings.
func seen(driver, dsn string) (any, error) {
	if driver == "pq" {
		cfg, err := pq.NewConfig(dsn)
		maps.DeleteFunc(cfg.Runtime, func(k, _ string) bool { return ours(k) })
		return cfg, err
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(cfg.RuntimeParams, func(k, _ string) bool { return ours(k) })
	view := fmt.Sprintf("%q %d %q %q %q %v %q %v %v %q %q %q %q %q", cfg.Host, cfg.Port, cfg.Database, cfg.User, cfg.Password, cfg.ConnectTimeout,
		cfg.RuntimeParams, cfg.StatementCacheCapacity, cfg.DefaultQueryExecMode, cfg.SSLNegotiation, cfg.ChannelBinding, cfg.KerberosSpn,
		cfg.RequireAuth, cfg.MaxProtocolVersion)
	if cfg.TLSConfig != nil {
		view += fmt.Sprintf(" %q %v", cfg.TLSConfig.ServerName, cfg.TLSConfig.InsecureSkipVerify)
	}
	for _, f := range cfg.Fallbacks {
		view += fmt.Sprintf(" %q %d %v", f.Host, f.Port, f.TLSConfig != nil)
	}
	return view, nil
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{
		"h", "u:p@h1:1,h2:2/db?pool_max_conns=3&sslmode=disable", "[::1]:1/db?pool_a=1", "u:p?x@h?pool_a=1&b=2", "h/db?a=1&pool%5Fb=%20&c=d#e",
		"?pool_a=1&&b=c", "h/db?pool_a=1;b=2&c=%zz", "h?%70ool_a=1&=&a=b=c", "h/db?pool_a", "h,[x?],/?pool_a=1", "h/?port=1,2&pool_a= 1 ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkSplit(t, "postgres://"+s) })
}

func FuzzParseKeyValue(f *testing.F) {
	for _, s := range []string{
		"host=h pool_max_conns=3 sslmode=disable", `a='x'pool_a='y\''b=\ c\`, " pool_a = 1 b= pool_c=2", "pool_a='", "=x", "a=1\u00a0pool_b=2\u0085c=3",
		"user= pool_a=1", "pool_a=\xff b=\xfe", "a\\=b=c pool_a=1", "pool_a=1 b", `password='p w' pool_a=1`, "POOL_A=1 Pool_b='2'",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkSplit(t, s) })
}

// checkSplit: what a driver accepts with our settings in it, it accepts without
// them, and sees the same in it; and nothing of ours is left.
func checkSplit(t *testing.T, dsn string) {
	for name, d := range dialects {
		rest, found, err := d.split(dsn)
		if err != nil {
			continue
		}
		if again, more, err := d.split(rest); again != rest || len(more) > 0 || err != nil {
			t.Errorf("%s: %q left %q, in which there are %+v, %v", name, dsn, rest, more, err)
		}
		if len(found) == 0 && rest != dsn {
			t.Errorf("%s: %q became %q without a reason", name, dsn, rest)
		}
		was, err := seen(name, dsn)
		if err != nil {
			continue
		}
		is, err := seen(name, rest)
		if err != nil || !reflect.DeepEqual(was, is) {
			t.Errorf("%s: %q became %q:\n%+v\n%+v, %v", name, dsn, rest, was, is, err)
		}
		if left := leftover(name, rest); left != "" {
			t.Errorf("%s: %q became %q, which sends %s to the server", name, dsn, rest, left)
		}
	}
}

func leftover(driver, rest string) string {
	params := map[string]string{}
	if driver == "pq" {
		if cfg, err := pq.NewConfig(rest); err == nil {
			params = cfg.Runtime
		}
	} else if cfg, err := pgx.ParseConfig(rest); err == nil {
		params = cfg.RuntimeParams
	}
	for k := range params {
		if ours(k) {
			return k
		}
	}
	return ""
}

// The server takes any parameter whose name has a dot.
func TestACustomParameterOfTheServerReachesTheDriver(t *testing.T) {
	setenv(t)
	for _, dsn := range []string{"host=h user=u pool_app.tenant=acme", "postgres://u@h/db?pool_app.tenant=acme"} {
		for _, d := range []dialect{pgxDialect, pqDialect} {
			if rest, found, err := d.split(dsn); rest != dsn || found != nil || err != nil {
				t.Errorf("%s: %s, %v, %v", dsn, rest, found, err)
			}
		}
		for driver := range registered {
			if _, err := Config(driver, dsn); err != nil {
				t.Errorf("%s: %s: %v", driver, dsn, err)
			}
		}
	}
}

// The adapters must not import this package, and have a list of their own.
func TestTheAdaptersKnowEveryName(t *testing.T) {
	var all []string
	for i := range settings {
		all = append(append(all, settings[i].name), settings[i].aliases...)
	}
	slices.Sort(all)
	if names := stray.Names(); !slices.Equal(names, all) {
		t.Errorf("drivers/internal/stray/names.go has\n%q\nthe settings are called\n%q", names, all)
	}
}
