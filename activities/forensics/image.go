package forensics

import (
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/forensics/block"
	"github.com/firebreak-ir/firebreak/forensics/ext4"
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

// volume is one file system on an image.
type volume struct {
	part partition.Part
	disk *ext4.FS
	raw  *io.SectionReader
}

// unread is a part of an image that could not be read, and why.
type unread struct {
	Part partition.Part `json:"part"`
	Why  string         `json:"why"`

	damaged bool // it is of a kind that can be read
}

// String says what a person has to look at with other tools.
func (u unread) String() string {
	if u.Part == (partition.Part{}) {
		return oneLine("not every partition may be listed: " + u.Why)
	}
	return oneLine(fmt.Sprintf("%s, %d MiB, was not read: %s", u.Part, u.Part.Size>>20, u.Why))
}

// opened is an image, the file systems on it that can be read, and the parts that cannot.
type opened struct {
	file    *block.File
	volumes []volume
	unread  []unread
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
	o := opened{file: file}
	if err := o.openAll(); err != nil {
		o.close()
		return opened{}, activities.Permanent(activities.Corrupt, fmt.Errorf("read image %q: %w", name, err),
			"the image is in the evidence: repair a copy of it with e2fsck and look there; then skip this step with a reason")
	}
	return o, nil
}

// openAll opens every part of the image. Its error is damage that leaves nothing to read.
func (o *opened) openAll() error {
	parts, err := partition.Find(o.file, o.file.Size())
	if err != nil && len(parts) == 0 {
		return err
	}
	if err != nil { // what the table still says is read
		o.unread = append(o.unread, unread{Why: err.Error()})
	}
	if len(parts) == 0 {
		parts = []partition.Part{{Size: o.file.Size(), Kind: partition.Unknown}}
	}
	var errs []error
	for _, part := range parts {
		why := o.openPart(part)
		if why == nil {
			continue
		}
		u := unread{Part: part, Why: why.Error(), damaged: part.Kind == partition.Ext4 && !unsupported(why)}
		if o.unread = append(o.unread, u); u.damaged {
			errs = append(errs, fmt.Errorf("%s: %w", part, why))
		}
	}
	if len(o.volumes) == 0 {
		return errors.Join(errs...)
	}
	return nil
}

const maxVolumes = 16 // file systems of one image; each has a journal and a cache in memory

// openPart opens one file system, or says why it is not read.
func (o *opened) openPart(part partition.Part) error {
	if part.Kind != partition.Ext4 {
		return errors.New(foreign(part.Kind))
	}
	if len(o.volumes) == maxVolumes {
		return fmt.Errorf("the image has more than %d file systems", maxVolumes)
	}
	for _, v := range o.volumes {
		if part.Offset < v.part.Offset+v.part.Size && v.part.Offset < part.Offset+part.Size {
			return fmt.Errorf("it overlaps %s", v.part)
		}
	}
	raw := partition.Reader(o.file, part)
	disk, err := ext4.Open(raw, part.Size, ext4.Options{})
	if err != nil {
		return err
	}
	o.volumes = append(o.volumes, volume{part, disk, raw})
	return nil
}

func unsupported(err error) bool {
	var feature *ext4.UnsupportedError
	return errors.As(err, &feature)
}

// foreign says why a part of that kind is not read.
func foreign(kind partition.Kind) string {
	switch kind {
	case partition.LUKS:
		return "it is encrypted"
	case partition.LVM:
		return "logical volumes are not supported"
	case partition.Swap:
		return "swap space holds no files"
	case partition.Unknown:
		return "no known file system begins there"
	}
	return "the file system is not supported; ext2, ext3 and ext4 are"
}

// nothing is the result of an activity for which the image has nothing to read.
func (o opened) nothing() activities.Result {
	summary := "nothing on the image is of a kind that can be read offline: " + o.unread[0].String()
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
		if !u.usual() {
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

func (u unread) usual() bool {
	return u.Part.Kind == partition.FAT || u.Part.Kind == partition.Swap || u.Part.Kind == partition.Unknown && u.Part.Size <= 16<<20
}

// journal adds up what the journals of the image held.
func (o opened) journal() Journal {
	var j Journal
	for _, v := range o.volumes {
		r := v.disk.Replayed()
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
		out = append(out, u.String())
	}
	for _, v := range o.volumes {
		for _, err := range v.disk.Damage() {
			out = append(out, oneLine(fmt.Sprintf("%s: %s", v.part, err)))
		}
	}
	return out
}

// beside gives the name of a file next to an image.
func beside(image, name string) string { return path.Join(path.Dir(image), name) }
