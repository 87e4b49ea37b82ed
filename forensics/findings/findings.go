// Package findings says which changes on a node's disk stand out, how much, and why: a table of small rules over what
// package drift found, and over files of the node. A rule knows names, modes and first bytes; it is a reason to look, not
// a proof.
package findings

import (
	"time"

	"github.com/firebreak-ir/firebreak/forensics/drift"
)

// Severity says how soon a person should look.
type Severity string

// The severities.
const (
	Low      Severity = "low"      // a container's writable layer usually has none, and many have some
	Medium   Severity = "medium"   // unusual
	High     Severity = "high"     // what intruders do
	Critical Severity = "critical" // what nobody else does
)

// Place is a kind of place on a node's disk.
type Place string

// The places.
const (
	Container Place = "container" // a container's own layer
	Orphan    Place = "layer"     // a layer that no container owns
	EmptyDir  Place = "emptyDir"  // a pod's scratch directory
	HostPath  Place = "hostPath"  // a directory of the node that a pod has mounted
	Node      Place = "node"      // anywhere else on the node
)

// Subject is a change and where it was found.
type Subject struct {
	drift.Change // its path is as seen in the place; on the node and in a hostPath, as seen on the node

	Place     Place
	Partition int       // number of the partition on the disk
	Age       *LayerAge // of an orphan layer, whose changes may be an image's as it was unpacked
}

// Finding is one line of findings.json.
type Finding struct {
	ID        string             `json:"id"` // the same for the same finding on the same disk
	Rule      string             `json:"rule"`
	Severity  Severity           `json:"severity"`
	Title     string             `json:"title"`
	Place     Place              `json:"place"`
	Partition int                `json:"partition,omitempty"`
	Disk      string             `json:"disk,omitempty"` // path on the disk
	Path      string             `json:"path,omitempty"` // path in the place
	RawPath   []byte             `json:"rawPath,omitempty"`
	Verdict   drift.Verdict      `json:"verdict,omitempty"`
	At        time.Time          `json:"at,omitzero"`      // when, by the node's clock
	SHA256    string             `json:"sha256,omitempty"` // of the new file, or of the one that is gone
	Was       string             `json:"was,omitempty"`    // the hash of what the image had
	Detail    string             `json:"detail,omitempty"` // what exactly the rule saw
	Of        *drift.Attribution `json:"of,omitempty"`
	Sentence  string             `json:"sentence"` // for a person
}

// Rule is one reason to look.
type Rule struct {
	ID       string
	Severity Severity
	Title    string // begins the sentence
	Why      string // what an intruder gains, for the documentation
	Places   []Place
	Group    string // of the rules of a group, the first that matches counts
	Last     bool   // counts where no other rule matches

	match func(*look) (detail string, yes bool)
}
