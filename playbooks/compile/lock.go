package compile

import (
	"fmt"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// Lock names the very files that calls mean.
type Lock struct {
	Playbooks []Locked `json:"playbooks"`
}

// Locked is one playbook that is called: by its name, the version that was resolved, and its file's SHA-256.
type Locked struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// locked keeps the files that the lock names. Newer ones that came since are not looked at.
func (c *compiler) locked(n *syntax.Node, name string, found []candidate) ([]candidate, bool) {
	if c.options.Lock == nil {
		return found, true
	}
	var kept []candidate
	why := "the lock file does not name it"
	for _, l := range c.options.Lock.Playbooks {
		if l.Name != name {
			continue
		}
		one, reason := l.among(found)
		if reason != "" {
			why, kept = reason, nil
			break
		}
		kept = append(kept, one)
	}
	if len(kept) == 0 {
		c.reader.Report(n, "lock", "the playbook %q is not the locked one: %s; look at the change, then run firebreak lock", name, why)
	}
	return kept, len(kept) > 0
}

// among finds the locked file, or says why it is not there.
func (l Locked) among(found []candidate) (candidate, string) {
	why := fmt.Sprintf("the lock file names version %s, which is gone", l.Version)
	for _, one := range found {
		switch {
		case one.plan.Version != l.Version:
		case one.sum == l.SHA256:
			return one, ""
		default:
			why = "its file is another than the one that was locked"
		}
	}
	return candidate{}, why
}
