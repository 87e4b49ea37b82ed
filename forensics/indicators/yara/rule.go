package yara

import "github.com/firebreak-ir/firebreak/forensics/indicators/pattern"

// Limits of what is read from rule files.
const (
	maxSource  = 64 << 20 // bytes of one file
	maxRules   = 100_000  // of all files
	maxStrings = 10_000   // of one rule
	maxNodes   = 20_000   // of one condition
	maxNesting = 100      // of brackets in a condition
	maxTexts   = 1000     // tags, and entries of meta, of one rule
)

// Meta is one line of a rule's meta section, its value as text.
type Meta struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// rule is a rule as it was read.
type rule struct {
	name            string
	place           Place
	tags            []string
	meta            []Meta
	strings         []*str
	condition       *expr
	private, global bool
	first           int // number of its first string among those of all rules
}

// str is one string of a rule.
type str struct {
	id       string // with the dollar
	at       int
	private  bool
	fullword bool
	variants []variant
	wants    wants
	used     bool
	rule     int // its number
}

// variant is one form of a string that is looked for.
type variant struct {
	program *pattern.Program
	atoms   []pattern.Atom
	wide    bool
}

// wants says how much of a string's matches the condition asks for.
type wants int

const (
	wantsOne     wants = iota // whether there is one
	wantsCount                // how many
	wantsOffsets              // where each is
)

func (s *str) want(w wants) { s.wants, s.used = max(s.wants, w), true }

// find gives the number of the string with that name, or -1.
func (r *rule) find(id string) int {
	for i, s := range r.strings {
		if s.id == id && id != "$" {
			return i
		}
	}
	return -1
}
