package conformance

import (
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Values at the edges of their types, and of the sizes at which a buffer, a length
// or a number of digits may end.

// sizes are the powers of two up to most, and what is beside them.
func sizes(most int) []int {
	all := []int{0}
	for n := 1; n <= most; n *= 2 {
		for _, size := range []int{n - 1, n, n + 1} {
			if size > all[len(all)-1] && size <= most+1 {
				all = append(all, size)
			}
		}
	}
	return all
}

// longest is of the texts and byte strings.
const longest = 1 << 16

func integers() (all []any) {
	for _, bits := range []int{0, 7, 8, 15, 16, 31, 32, 52, 53, 54, 62} {
		n := int64(1) << bits
		all = append(all, n-1, n, n+1, -n-1, -n, -n+1)
	}
	return append(all, int64(math.MaxInt64), int64(math.MaxInt64-1), int64(math.MinInt64), int64(math.MinInt64+1), nil)
}

func floats() []any {
	return []any{
		0.0, math.Copysign(0, -1), 1.0, -1.0, 0.1, 1.0 / 3, math.Pi, 1e15 + 0.5, 1e21, 1e-7, float64(math.MaxFloat32), math.MaxFloat64,
		-math.MaxFloat64, math.SmallestNonzeroFloat64, 0x1p-1022, math.Inf(1), math.Inf(-1), math.NaN(), float64(1<<53 + 2), nil,
	}
}

func texts() []any {
	all := []any{nil, " ", "'", `\`, `\x41`, "%s", "?", "$1", "NULL", "null", "line\nline\r\n\ttab", "zoë 日本 \U0001F600", "\u00e9", "e\u0301", "\ufeff", "a'b\"c;--"}
	for _, n := range sizes(longest) {
		all = append(all, pattern(n))
	}
	return all
}

// pattern is a text of that many bytes, different at every place. It has
// characters of two bytes, so that a cut in the middle of one shows.
func pattern(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		if piece := fmt.Sprintf("%dé", i); b.Len()+len(piece) <= n {
			b.WriteString(piece)
		} else {
			b.WriteByte('x')
		}
	}
	return b.String()
}

func byteStrings() []any {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	all := []any{nil, []byte(nil), every, []byte{0}, []byte("\x00a"), []byte(`\x41`), []byte{0xff, 0xfe}}
	for _, n := range sizes(longest) {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i * 7)
		}
		all = append(all, b)
	}
	return all
}

func times() []any {
	all := []any{nil}
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 5*3600+1800), time.FixedZone("", -11*3600)} {
		for _, fraction := range []time.Duration{0, time.Microsecond, 999_999 * time.Microsecond, 789_012 * time.Microsecond, 120 * time.Millisecond} {
			all = append(all,
				time.Date(2001, 2, 3, 4, 5, 6, 0, zone).Add(fraction),
				time.Date(1969, 12, 31, 23, 59, 59, 0, zone).Add(fraction),
				time.Date(1, 1, 2, 0, 0, 0, 0, zone).Add(fraction),
				time.Date(9999, 12, 30, 23, 59, 59, 0, zone).Add(fraction))
		}
	}
	return all
}

// echoes are the statements that return their argument, with the values to be
// returned.
func (d *Dialect) echoes() []struct {
	text   string
	values []any
} {
	return []struct {
		text   string
		values []any
	}{
		{d.Echo, texts()},
		{d.EchoInt, integers()},
		{d.EchoFloat, floats()},
		{d.EchoBool, []any{true, false, nil}},
		{d.EchoBytes, byteStrings()},
		{d.EchoTime, times()},
	}
}

// told is a value as a line of a transcript: everything by which it may differ, and
// no more of a long one than tells it from others.
func told(v any) string {
	switch v := v.(type) {
	case string:
		return "string " + short([]byte(v))
	case []byte:
		if v == nil {
			return "[]byte nil"
		}
		return "[]byte " + short(v)
	case float64:
		return fmt.Sprintf("float64 %v, bits %x", v, math.Float64bits(v))
	case time.Time:
		return fmt.Sprintf("time.Time %s in %s", v.Format(time.RFC3339Nano), v.Location())
	}
	return fmt.Sprintf("%T %v", v, v)
}

func short(b []byte) string {
	const most = 64
	if len(b) <= most {
		if utf8.Valid(b) {
			return fmt.Sprintf("%q", b)
		}
		return fmt.Sprintf("%x", b)
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b)
	return fmt.Sprintf("of %d bytes, %x…, sum %x", len(b), b[:8], sum.Sum64())
}
