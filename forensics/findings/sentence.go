package findings

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/drift"
)

// finding puts what a rule saw into words. A path is quoted: an attacker chose it.
func (l *look) finding(r Rule, detail string) Finding {
	f := Finding{
		Rule: r.ID, Severity: r.Severity, Title: r.Title, Place: l.Place, Partition: l.Partition, Disk: l.Disk, Path: l.Path, RawPath: l.RawPath,
		Verdict: l.Verdict, At: l.At, Detail: detail, Of: l.Of,
	}
	if l.Old != nil {
		f.Was = l.Old.SHA256
	}
	switch {
	case l.New != nil:
		f.SHA256 = l.New.SHA256
	case l.Old != nil:
		f.SHA256, f.Was = l.Old.SHA256, ""
	}
	f.ID = ID(r.ID, strconv.Itoa(l.Partition), l.Disk, l.Path, f.SHA256)
	f.Sentence = l.sentence(r, detail)
	return f
}

func (l *look) sentence(r Rule, detail string) string {
	s := fmt.Sprintf("%s %s: %q", r.Title, l.where(), l.Path)
	if l.From != "" {
		s += fmt.Sprintf(", which was %q", l.From)
	}
	if !l.At.IsZero() {
		s += " at " + l.At.UTC().Format("2006-01-02 15:04:05.000 UTC")
	}
	if detail != "" {
		s += "; " + detail
	}
	return s
}

// where names the place for a person.
func (l *look) where() string {
	of := l.Of
	if of == nil {
		of = &drift.Attribution{}
	}
	pod := ""
	if of.Pod != "" {
		pod = fmt.Sprintf(" of pod %q", strings.TrimPrefix(of.Namespace+"/"+of.Pod, "/"))
	} else if of.PodUID != "" {
		pod = fmt.Sprintf(" of the pod with UID %q", of.PodUID)
	}
	switch l.Place {
	case Container:
		return fmt.Sprintf("in container %q%s", cmp.Or(of.Name, of.Container[:min(len(of.Container), 12)], "?"), pod)
	case EmptyDir:
		return fmt.Sprintf("in the scratch volume %q%s", of.Volume, pod)
	case HostPath:
		return fmt.Sprintf("on the node, in a directory that volume %q%s mounts", of.Volume, pod)
	case Orphan:
		return "in a layer that no container owns"
	}
	return "on the node"
}

// ID tells findings apart, and gives the same for the same.
func ID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "f-" + hex.EncodeToString(sum[:16]) // long: who chooses the paths must not find two that share one
}
