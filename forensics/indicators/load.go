package indicators

import (
	"bytes"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/indicators/yara"
)

// Source is one list of indicators, or one file of rules.
type Source struct {
	Name    string // for messages
	Content []byte
}

// Sources are all that is looked for.
type Sources struct {
	Hashes, Paths, Rules []Source
}

// Load reads lists and rules. What it does not understand is listed with its place and is not looked for; an error is a
// list that could not be read to its end.
func Load(from Sources) (Set, []Problem, error) {
	set, problems := Set{Hashes: &Hashes{}, Paths: &Paths{}}, []Problem{}
	for _, s := range from.Hashes {
		found, err := set.Hashes.ReadHashes(s.Name, bytes.NewReader(s.Content))
		if problems = append(problems, found...); err != nil {
			return Set{}, problems, err
		}
	}
	for _, s := range from.Paths {
		found, err := set.Paths.ReadPaths(s.Name, bytes.NewReader(s.Content))
		if problems = append(problems, found...); err != nil {
			return Set{}, problems, err
		}
	}
	rules, refused := compile(from.Rules)
	set.Rules = rules
	return set, append(problems, refused...), nil
}

func compile(from []Source) (*yara.Rules, []Problem) {
	var sources []yara.Source
	for _, s := range from {
		sources = append(sources, yara.Source{Name: s.Name, Text: string(s.Content)})
	}
	rules, refused := yara.Compile(sources...)
	var problems []Problem
	for _, p := range refused {
		why := p.Why
		if p.Rule != "" {
			why = "rule " + p.Rule + ": " + strings.TrimPrefix(why, "rule "+p.Rule+": ")
		}
		problems = append(problems, Problem{File: p.Place.File, Line: p.Place.Line, Why: why})
	}
	return rules, problems
}

// Empty tells whether nothing is looked for.
func (s Set) Empty() bool {
	return (s.Hashes == nil || s.Hashes.Len() == 0) && (s.Paths == nil || s.Paths.Len() == 0) && (s.Rules == nil || s.Rules.Len() == 0)
}
