package byname

import (
	"errors"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/sqlpool/go/sqlpool"
)

// fieldErrors is what sqlpool.Config.Validate finds, one by one. The rules have
// their home there; here they get the names that the user knows.
func fieldErrors(cfg sqlpool.Config) []*sqlpool.FieldError {
	var found []*sqlpool.FieldError
	var all *multierror.Error
	if errors.As(cfg.Validate(), &all) {
		for _, err := range all.Errors {
			var e *sqlpool.FieldError
			if errors.As(err, &e) {
				found = append(found, e)
			}
		}
	}
	return found
}

// byField finds the setting of a field of sqlpool.Config; there is none for
// Connector, which is not there yet.
func byField(field string) *setting {
	for i := range settings {
		if settings[i].field == field && field != "" {
			return &settings[i]
		}
	}
	return nil
}

// inSettings replaces the names of fields by those of their settings.
func inSettings(text string) string {
	var pairs []string
	for i := range settings {
		// The name of a pool is a word in other sentences too.
		if f := settings[i].field; f != "" && f != "Name" {
			pairs = append(pairs, f, settings[i].name)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
