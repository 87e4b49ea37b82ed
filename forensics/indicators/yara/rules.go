// Package yara searches files with YARA rules: a subset of YARA 4 of our own, in one pass for all rules. What is outside
// the subset is refused by name and place, a rule at a time. It parses no file formats, so there are no modules.
package yara

import (
	"context"
	"fmt"
	"io"
)

// Rules are rules that were read. They are safe for concurrent use.
type Rules struct {
	rules   []*rule
	names   map[string]int
	strings []*str // of all rules
	always  []int  // rules that may match where none of their strings is found
	filter  filter
}

const refused = -1 // the number of a rule that was refused

// Source is one file of rules.
type Source struct {
	Name string // for messages
	Text string
}

// Compile reads files of rules. What it refuses is listed with its place, in the order of the files; all other rules are
// searched for. A rule that asks for a refused one is refused itself.
func Compile(sources ...Source) (*Rules, []Problem) {
	r := &Rules{names: map[string]int{}}
	var problems []Problem
	for _, s := range sources {
		problems = append(problems, r.file(s.Name, s.Text)...)
	}
	r.filter = newFilter(r)
	return r, problems
}

// Len is how many rules are searched for.
func (r *Rules) Len() int {
	if r == nil {
		return 0
	}
	return len(r.rules)
}

func (r *Rules) add(one *rule) {
	number := len(r.rules)
	one.first = len(r.strings)
	r.names[one.name] = number
	for _, s := range one.strings {
		s.rule = number
		r.strings = append(r.strings, s)
	}
	if one.global || !one.condition.needsString() {
		r.always = append(r.always, number)
	}
	r.rules = append(r.rules, one)
}

// Options bound the search of one file. The zero value is a sensible choice for every field.
type Options struct {
	// MaxMatches is how many matches of a string are kept where the condition does not ask for all; 16.
	MaxMatches int
	// MaxOffsets bounds the matches that are kept for the conditions of one file; 1,000,000.
	MaxOffsets int
	// MaxSteps bounds the work of matching patterns in one file; 256 for each byte, and 64 million.
	MaxSteps int64
}

func (o Options) withDefaults(size int64) Options {
	if o.MaxMatches <= 0 {
		o.MaxMatches = 16
	}
	if o.MaxOffsets <= 0 {
		o.MaxOffsets = 1_000_000
	}
	if o.MaxSteps <= 0 {
		o.MaxSteps = 64<<20 + 256*min(size, 1<<50)
	}
	return o
}

// Match is a rule that a file matches.
type Match struct {
	Rule    string        `json:"rule"`
	Place   string        `json:"place"` // of the rule: file, line and column
	Tags    []string      `json:"tags,omitempty"`
	Meta    []Meta        `json:"meta,omitempty"`
	Strings []StringMatch `json:"strings,omitempty"` // in the order of the rule, then of the file
}

// StringMatch is a place where a string of a rule was found. Offset and Length are in bytes.
type StringMatch struct {
	ID     string `json:"id"`
	Offset int64  `json:"offset"`
	Length int    `json:"length"`
}

// Result is what was found in one file.
type Result struct {
	Matches []Match // in the order of the rules
	// Undecided says what was not searched to its end, and why: there the rules may match or not.
	Undecided []string
}

// Scan searches one file of that size in one pass.
func (r *Rules) Scan(ctx context.Context, file io.ReaderAt, size int64, opts Options) (Result, error) {
	s := r.Begin(size, opts)
	_, err := io.CopyBuffer(s, untilDone{ctx, io.NewSectionReader(file, 0, size)}, make([]byte, 256<<10))
	if err != nil {
		return Result{}, fmt.Errorf("search with YARA rules: %w", err)
	}
	return s.End(file)
}

// untilDone stops reading when nobody waits any more. It hides the reader's other methods, so that the buffer is used.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
