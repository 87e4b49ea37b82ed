package indicators

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Paths are the paths that are looked for.
//
// A line that begins with a slash is a whole path: "*" stands for any bytes of one name, "?" for one character, "[a-z]"
// for one of a class, "**" as a whole name for any number of names, none included. A line without a slash is the last name
// of a path. A backslash takes the meaning of the sign behind it away. Letters match in their own case alone, and a path
// of a container begins at the container's root.
type Paths struct {
	exact map[string][]glob // by their last name, where it has no signs
	other []glob
	count int
}

type glob struct {
	names []string
	place Place
	text  string
}

const (
	anyNames  = "**"
	maxGlob   = 4096    // bytes
	maxGlobs  = 100_000 // of all lists
	maxParts  = 256     // names of one
	globSigns = `*?[\`
)

// Len is how many paths are looked for.
func (p *Paths) Len() int {
	if p == nil {
		return 0
	}
	return p.count
}

// ReadPaths reads a list and adds it. Empty lines and those that begin with a number sign are passed over; lines that are
// no path are listed with their numbers.
func (p *Paths) ReadPaths(name string, r io.Reader) ([]Problem, error) {
	if p.exact == nil {
		p.exact = map[string][]glob{}
	}
	var problems []Problem
	in := bufio.NewReaderSize(&atMost{r: r, left: maxListBytes, name: name}, maxLine)
	for line := 1; ; line++ {
		text, err := readLine(in)
		if errors.Is(err, io.EOF) && !errors.Is(err, errLongLine) {
			return problems, nil
		}
		if err == nil {
			err = p.add(strings.TrimRight(text, " \t\r"), Place{name, line})
		} else if !errors.Is(err, errLongLine) {
			return problems, fmt.Errorf("read paths: %w", err)
		}
		if err != nil && len(problems) < maxProblems {
			problems = append(problems, Problem{name, line, err.Error()})
		}
	}
}

func (p *Paths) add(text string, place Place) error {
	if text == "" || text[0] == '#' {
		return nil
	}
	names := strings.Split(strings.TrimPrefix(text, "/"), "/")
	switch {
	case p.count == maxGlobs:
		return fmt.Errorf("there are more than %d paths", maxGlobs)
	case len(text) > maxGlob || len(names) > maxParts:
		return fmt.Errorf("a path has %d bytes and %d names at most", maxGlob, maxParts)
	case text[0] != '/' && len(names) > 1:
		return errors.New("a path begins with a slash; a name has none")
	}
	for _, n := range names {
		if n == "" || n == "." || n == ".." {
			return fmt.Errorf("%q has an empty name, or is no path without dots", text)
		}
		if _, err := path.Match(n, ""); err != nil || n != anyNames && strings.Contains(n, anyNames) {
			return fmt.Errorf("%q: a class is not closed, nothing follows a backslash, or ** is not a whole name", n)
		}
	}
	if text[0] != '/' {
		names = []string{anyNames, text}
	}
	g := glob{names, place, text}
	p.count++
	if last := names[len(names)-1]; strings.ContainsAny(last, globSigns) {
		p.other = append(p.other, g)
	} else {
		p.exact[last] = append(p.exact[last], g)
	}
	return nil
}

// Find gives the first path of the lists that a path matches; it begins with a slash.
func (p *Paths) Find(name string) (Place, string, bool) {
	if p == nil {
		return Place{}, "", false
	}
	names := strings.Split(strings.TrimPrefix(name, "/"), "/")
	for _, list := range [][]glob{p.exact[names[len(names)-1]], p.other} {
		for _, g := range list {
			if matches(g.names, names) {
				return g.place, g.text, true
			}
		}
	}
	return Place{}, "", false
}

// matches holds a glob against a path, name by name: reach[i] tells whether the names so far can be those before glob's
// name i.
func matches(glob, names []string) bool {
	reach := make([]bool, len(glob)+1)
	reach[0] = true
	skip := func() {
		for i, g := range glob {
			if g == anyNames && reach[i] {
				reach[i+1] = true
			}
		}
	}
	skip()
	for _, n := range names {
		next := make([]bool, len(glob)+1)
		for i, g := range glob {
			switch {
			case !reach[i]:
			case g == anyNames:
				next[i] = true
			default:
				ok, err := path.Match(g, n)
				next[i+1] = next[i+1] || ok && err == nil
			}
		}
		reach = next
		skip()
	}
	return reach[len(glob)]
}
