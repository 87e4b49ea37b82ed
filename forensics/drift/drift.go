// Package drift says what a container changed: its own layer held against the merged layers of its image, with a verdict
// and evidence for each path. A layer holds a file as soon as it was opened for writing; what is the same as in the image
// is no drift. Every word of a layer is taken for an attacker's.
package drift

import (
	"io/fs"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/overlay"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// Verdict says what happened to a path.
type Verdict string

// The verdicts.
const (
	Added    Verdict = "added"    // the image has no such path
	Modified Verdict = "modified" // other content, or another type of file
	Deleted  Verdict = "deleted"  // a whiteout stands for the path or for a directory above it
	Mode     Verdict = "mode"     // the same content: mode, owner, attributes or the time of modification differ
	Renamed  Verdict = "renamed"  // the path is new, its content is the image's under From
	Hidden   Verdict = "hidden"   // a new directory stands in the place of the image's, which had this path
	Unread   Verdict = "unread"   // damage, or a limit: Problem says which
)

// Attribution says whose layer or volume it is. All of it is an attacker's word but for the node's own.
type Attribution struct {
	Runtime        string `json:"runtime,omitempty"`
	Container      string `json:"container,omitempty"` // its id
	Name           string `json:"name,omitempty"`
	Image          string `json:"image,omitempty"`
	Pod            string `json:"pod,omitempty"`
	PodUID         string `json:"podUID,omitempty"`
	Namespace      string `json:"namespace,omitempty"` // of the pod
	ServiceAccount string `json:"serviceAccount,omitempty"`
	Node           string `json:"node,omitempty"`
	Volume         string `json:"volume,omitempty"` // of a pod, where the place is one
}

// Change is one line of drift.jsonl. Paths begin with a slash, at the root of the container or volume.
type Change struct {
	Verdict Verdict      `json:"verdict"`
	Path    string       `json:"path"`
	RawPath []byte       `json:"rawPath,omitempty"` // the path's bytes, where they are no UTF-8
	From    string       `json:"from,omitempty"`    // of what was renamed, or lies in a directory that was: its path in the image
	By      string       `json:"by,omitempty"`      // of what is deleted or hidden: the path that does it
	How     string       `json:"how,omitempty"`     // where From is known from: redirect, inode or content
	Differs []string     `json:"differs,omitempty"` // of what was there before: mode, owner, type, size, content, time and attributes
	Disk    string       `json:"disk,omitempty"`    // where the new file lies, in the tree of the layer
	At      time.Time    `json:"at,omitzero"`       // when the entry of the layer that does it was last changed, by the node's clock
	Old     *State       `json:"old,omitempty"`     // as in the image
	New     *State       `json:"new,omitempty"`     // as the container left it
	Problem string       `json:"problem,omitempty"` // why something of it is missing
	Of      *Attribution `json:"of,omitempty"`

	// Tree and Info are those of the new file, to read it with Open.
	Tree volume.Tree `json:"-"`
	Info fs.FileInfo `json:"-"`
}

// State is what a file is like.
type State struct {
	Type       string    `json:"type"` // file, dir, link, device, pipe, socket or unknown
	Mode       string    `json:"mode"` // octal, with the bits of setuid, setgid and sticky
	UID        uint32    `json:"uid"`
	GID        uint32    `json:"gid"`
	Size       int64     `json:"size"` // bytes
	SHA256     string    `json:"sha256,omitempty"`
	Target     string    `json:"target,omitempty"` // of a link
	Device     string    `json:"device,omitempty"` // major:minor
	Capability string    `json:"capability,omitempty"`
	Modified   time.Time `json:"modified,omitzero"`
	Changed    time.Time `json:"changed,omitzero"`
	Created    time.Time `json:"created,omitzero"`

	attributes map[string][]byte
}

// Options bound a comparison. The zero value is a sensible choice for every field.
type Options struct {
	Marks        overlay.Namespace // the attributes of overlayfs; overlay.Trusted
	MaxFileBytes int64             // hashed of one file; 1 GiB
	MaxBytes     int64             // hashed in all; 64 GiB
	MaxChanges   int               // 1,000,000
	MaxRenames   int               // deleted files that renamed ones are looked for among; 50,000
	Of           *Attribution      // goes into every change
	// Since leaves out of Everything what was last changed before; zero leaves out nothing. What cannot be read is told.
	Since time.Time
}

func (o Options) withDefaults() Options {
	if o.Marks == "" {
		o.Marks = overlay.Trusted
	}
	if o.MaxFileBytes <= 0 {
		o.MaxFileBytes = 1 << 30
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 30
	}
	if o.MaxChanges <= 0 {
		o.MaxChanges = 1_000_000
	}
	if o.MaxRenames <= 0 {
		o.MaxRenames = 50_000
	}
	return o
}

// Summary counts what a comparison came to.
type Summary struct {
	Entries  int             `json:"entries"` // of the layer
	Changes  map[Verdict]int `json:"changes"`
	Touched  int             `json:"touched"`            // entries that were copied up and not changed: no drift
	Hashed   int64           `json:"hashed"`             // bytes
	Unhashed int             `json:"unhashed,omitempty"` // files that a limit left unhashed; each says so
	More     int             `json:"more,omitempty"`     // entries that were not compared, since the limit of changes was reached; at least
	Notes    []string        `json:"notes,omitempty"`
}
