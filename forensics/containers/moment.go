package containers

import (
	"fmt"
	"time"
)

// moment gives a time of the disk in UTC. A year that JSON does not hold becomes the zero time and a problem; the year one
// is how runtimes write "never".
func (l *lister) moment(place string, t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Year() == 1:
		return time.Time{}
	case t.Year() < 1 || t.Year() > 9999:
		l.problem(place, fmt.Errorf("the impossible time %s is left out", t.Format(time.RFC3339)))
		return time.Time{}
	}
	return t
}

// never tells the time that Docker writes for what has not happened.
func never(t time.Time) bool { return t.Year() <= 1 }
