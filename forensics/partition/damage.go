package partition

import (
	"errors"
	"fmt"
)

// tableError is damage to a table that is there. That a part of it is missing may be among its causes, which does not make
// it a disk without a table.
type tableError struct {
	text   string
	causes []error
}

// Error says what is damaged and where.
func (e *tableError) Error() string { return e.text }

// Unwrap gives the causes, such as a block of a snapshot that cannot be read.
func (e *tableError) Unwrap() []error { return e.causes }

// damagedTable makes a tableError.
func damagedTable(causes []error, format string, args ...any) error {
	e := &tableError{text: fmt.Sprintf(format, args...)}
	for _, cause := range causes {
		if cause != nil && !errors.Is(cause, errNoTable) {
			e.causes = append(e.causes, cause)
		}
	}
	return e
}
