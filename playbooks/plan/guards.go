package plan

import "time"

// Guards bound what a run may change. They are checked in the workflow before every change.
type Guards struct {
	Pods        int     `json:"pods,omitempty"`        // the most pods that a run changes; zero: no limit
	Nodes       int     `json:"nodes,omitempty"`       // the most nodes
	NodePercent int     `json:"nodePercent,omitempty"` // the most nodes, in percent of the cluster's, rounded down but never below one
	Protect     Protect `json:"protect,omitzero"`
	Rate        *Rate   `json:"rate,omitempty"`
	Lock        *Value  `json:"lock,omitempty"` // name of a lock that one case at a time holds, from its first change to its end
	// OnTrip is approve or fail.
	OnTrip string `json:"onTrip"`
	// From are the circles that a tripped guard asks: those of the playbook where it names none.
	From []string `json:"from,omitempty"`
}

// Protect names what no run may change.
type Protect struct {
	Namespaces []string `json:"namespaces,omitempty"`
	When       *Expr    `json:"when,omitempty"` // a condition on `target`: kind, namespace, name, labels
	// OpenControlPlane lets control plane nodes be changed. They are protected unless the playbook says so.
	OpenControlPlane bool `json:"openControlPlane,omitempty"`
}

// Rate bounds how often the playbook may change things: runs within a time, of this playbook (scope playbook) or of all
// playbooks (scope cluster) on the run's cluster.
type Rate struct {
	Runs  int           `json:"runs"`
	Per   time.Duration `json:"per"`
	Scope string        `json:"scope"`
}

// Approver is a circle of people who may decide.
type Approver struct {
	Name         string   `json:"name"`
	Groups       []string `json:"groups,omitempty"`   // a member of any of them may decide
	Subjects     []string `json:"subjects,omitempty"` // and each of these
	Quorum       int      `json:"quorum"`             // how many must agree on one choice; at least 1
	NotRequester bool     `json:"notRequester,omitempty"`
}
