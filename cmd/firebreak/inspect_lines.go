package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// lines is a list that is shown while it is made: as lines of a table for a person, or as a JSON array.
type lines struct {
	to    io.Writer
	table *tabwriter.Writer // nil for JSON
	n     int
}

// lines begins a list; head names its columns for a person.
func (i *inspection) lines(head string) *lines {
	l := &lines{to: i.stdout}
	if !i.flags.out.json() {
		l.table = tabwriter.NewWriter(i.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(l.table, head)
	}
	return l
}

// add shows one value: line is the same for a person, its columns apart by tabs.
func (l *lines) add(value any, line string) error {
	l.n++
	if l.table != nil {
		fmt.Fprintln(l.table, line)
		if l.n%500 == 0 { // what is found is seen before all is
			return l.table.Flush()
		}
		return nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	before := ",\n "
	if l.n == 1 {
		before = "[\n "
	}
	_, err = fmt.Fprintf(l.to, "%s%s", before, raw)
	return err
}

// end ends the list; none is said to a person where it is empty.
func (l *lines) end(none string) error {
	switch {
	case l.table == nil && l.n == 0:
		_, err := fmt.Fprintln(l.to, "[]")
		return err
	case l.table == nil:
		_, err := fmt.Fprintln(l.to, "\n]")
		return err
	case l.n == 0:
		_, err := fmt.Fprintln(l.to, none)
		return err
	}
	return l.table.Flush()
}
