package main

import (
	"errors"
	"time"
)

// sinceFlag is a flag that takes a time.
type sinceFlag struct{ time.Time }

// String gives the time as it is written.
func (f *sinceFlag) String() string {
	if f.IsZero() {
		return ""
	}
	return f.Format(time.RFC3339Nano)
}

// Set takes a time of RFC 3339, or a day or minute of UTC.
func (f *sinceFlag) Set(text string) error {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			f.Time = at
			return nil
		}
	}
	return errors.New("want a time such as 2026-11-25T13:45:00Z, or 2026-11-25 13:45 for UTC")
}

// Type is what the help shows.
func (f *sinceFlag) Type() string { return "time" }
