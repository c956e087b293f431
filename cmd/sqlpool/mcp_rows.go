package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// What an assistant can use of a result: more is cut, and said to be.
const (
	maxValue  = 16 << 10
	maxAnswer = 1 << 20
)

// column is a column of a result.
type column struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
}

// fetch runs a statement whose rows are the answer.
func (r *reader) fetch(ctx context.Context, tx *sql.Tx, prefix string, q question) (*answer, error) {
	fetching, err := tx.PrepareContext(ctx, prefix+q.SQL)
	if err != nil {
		return nil, shift(err, prefix)
	}
	defer func() { _ = fetching.Close() }()
	rows, err := fetching.QueryContext(ctx)
	if err != nil {
		return nil, shift(err, prefix)
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	found := &answer{Rows: [][]any{}}
	for _, t := range types {
		found.Columns = append(found.Columns, column{t.Name(), t.DatabaseTypeName()})
	}
	size, values, targets := 0, make([]any, len(types)), make([]any, len(types))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if found.RowCount == q.Limit {
			found.Truncated = fmt.Sprintf("there are more rows than the limit of %d", q.Limit)
			break
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make([]any, len(values))
		for i, value := range values {
			row[i] = present(value, found.Columns[i].Type)
			if text, ok := row[i].(string); ok {
				size += len(text)
			}
			size += 8 // a number or a separator
		}
		if size > maxAnswer && found.RowCount > 0 {
			found.Truncated = fmt.Sprintf("the answer would be larger than %d KiB", maxAnswer>>10)
			break
		}
		found.Rows = append(found.Rows, row)
		found.RowCount++
	}
	if found.Truncated != "" {
		return found, nil
	}
	return found, shift(rows.Err(), prefix)
}

// present makes a value of a driver's fit for JSON without changing it: numbers that JSON's readers would round are
// text, and so is everything that they do not know.
func present(value any, kind string) any {
	switch v := value.(type) {
	case nil, bool:
		return v
	case int64:
		if v > 1<<53 || v < -1<<53 {
			return strconv.FormatInt(v, 10)
		}
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []byte:
		if kind == "BYTEA" {
			return cut(`\x` + hex.EncodeToString(v[:min(len(v), maxValue)]))
		}
		return cut(string(v))
	case string:
		return cut(v)
	}
	return cut(fmt.Sprint(value))
}

// cut shortens a text that is too long to be read to its end, between two characters.
func cut(text string) string {
	if len(text) <= maxValue {
		return text
	}
	end := maxValue
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (cut: %d of %d bytes)", text[:end], end, len(text))
}
