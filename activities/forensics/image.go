package forensics

import (
	"fmt"
	"path"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/partition"
)

// ImageInput is the input of the activities that read a disk image of the case.
type ImageInput struct {
	Image string `json:"image" doc:"The disk image's path inside the case, as forensics.read_snapshot gives it"`
}

// Journal says what a file system's journal held that its place on the disk did not.
type Journal struct {
	Transactions int       `json:"transactions" doc:"Committed transactions replayed in memory"`
	Blocks       int       `json:"blocks" doc:"Blocks that only the journal had in their newest state"`
	LastCommit   time.Time `json:"lastCommit,omitzero" doc:"When the last of them was committed, by the node's clock"`
}

// opened is an image of the case, and the file systems on it.
type opened struct {
	file    *block.File
	volumes []image.Volume
	unread  []image.Unread
}

// close gives the file back. It was only read, so that closing it cannot lose anything.
func (o opened) close() { _ = o.file.Close() }

// openImage opens an image of the case. It is a file that this worker wrote: nothing of the disk chooses its path. An
// image on which nothing is of a kind that can be read is no error; it has no volumes.
func openImage(p paper, name string) (opened, error) {
	local, err := p.c.Path(name)
	if err != nil {
		return opened{}, activities.Invalid(err, "give the image that forensics.read_snapshot returned")
	}
	file, err := block.OpenFile(local)
	if missing(err) {
		return opened{}, activities.Permanent(activities.NotFound, err, "run forensics.read_snapshot first, on a worker with the same evidence store")
	}
	if err != nil {
		return opened{}, err
	}
	disk, err := image.Open(file, image.Options{})
	if err != nil {
		_ = file.Close() // it was only read
		return opened{}, activities.Permanent(activities.Corrupt, fmt.Errorf("read image %q: %w", name, err),
			"the image is in the evidence: repair a copy of it with e2fsck and look there; then skip this step with a reason")
	}
	return opened{file: file, volumes: disk.Volumes, unread: disk.Unread}, nil
}

// nothing is the result of an activity for which the image has nothing to read.
func (o opened) nothing() activities.Result {
	summary := "nothing on the image is of a kind that can be read offline: " + oneLine(o.unread[0].String())
	if n := len(o.unread) - 1; n > 0 {
		summary += fmt.Sprintf(" (and %s more)", count(n, "partition"))
	}
	return activities.Result{Status: activities.Skipped, Summary: summary + "; mount a copy of the image read-only on a machine kept for that, and look there"}
}

// missed says in a summary how much of the image was not read; nothing when all was that can hold anything. Partitions to
// boot from and swap space stand in the warnings alone: every disk has them.
func (o opened) missed() string {
	n := 0
	for _, u := range o.unread {
		if !usual(u) {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 partition was not read, see the warnings"
	}
	return fmt.Sprintf("; %d partitions were not read, see the warnings", n)
}

// usual tells partitions that every disk has and nobody misses.
func usual(u image.Unread) bool {
	return u.Part.Kind == partition.FAT || u.Part.Kind == partition.Swap || u.Part.Kind == partition.Unknown && u.Part.Size <= 16<<20
}

// journal adds up what the journals of the image held.
func (o opened) journal() Journal {
	var j Journal
	for _, v := range o.volumes {
		r := v.Replayed()
		j.Transactions += r.Transactions
		j.Blocks += r.Blocks
		if r.LastCommit.After(j.LastCommit) {
			j.LastCommit = r.LastCommit
		}
	}
	return j
}

// damage lists what could not be read, and what was wrong when the file systems were opened.
func (o opened) damage() []string {
	out := []string{}
	for _, u := range o.unread {
		out = append(out, oneLine(u.String()))
	}
	for _, v := range o.volumes {
		for _, err := range v.Damage() {
			out = append(out, oneLine(fmt.Sprintf("%s: %s", v.Part, err)))
		}
	}
	return out
}

// beside gives the name of a file next to an image.
func beside(image, name string) string { return path.Join(path.Dir(image), name) }
