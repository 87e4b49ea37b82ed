package xfs

import "fmt"

// DamageError is a place where the image is not what XFS says it must be. The rest of the image is still read.
type DamageError struct {
	Place string // "inode 131, block 3", "group 2", "log block 88"
	Err   error
}

// Error gives the place and then what is wrong there.
func (e *DamageError) Error() string { return e.Place + ": " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *DamageError) Unwrap() error { return e.Err }

func damaged(place, format string, args ...any) error {
	return &DamageError{Place: place, Err: fmt.Errorf(format, args...)}
}

// UnsupportedError is a feature of the file system that this reader does not know. Guessing would show wrong files.
type UnsupportedError struct{ Feature string }

// Error names the feature.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("xfs feature %q is not supported by this reader", e.Feature)
}
