package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/image"
	"github.com/firebreak-ir/firebreak/forensics/partition"
	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// overview is what a disk is made of.
type overview struct {
	Image   string         `json:"image"`
	Size    int64          `json:"size"`
	Volumes []volumeView   `json:"volumes"`
	Unread  []image.Unread `json:"unread,omitempty"`
}

// volumeView is one file system.
type volumeView struct {
	Part      partition.Part `json:"part"`
	UUID      string         `json:"uuid"`
	Label     string         `json:"label,omitempty"`
	BlockSize int64          `json:"blockSize"`
	Journal   journalView    `json:"journal"`
	Damage    []string       `json:"damage,omitempty"`
}

// journalView is what the journal of a file system held.
type journalView struct {
	Needed       bool      `json:"needed"`
	Transactions int       `json:"transactions"`
	Blocks       int       `json:"blocks"`
	Revoked      int       `json:"revoked"`
	LastCommit   time.Time `json:"lastCommit,omitzero"`
	Stopped      string    `json:"stopped,omitempty"`
}

func showOverview(_ context.Context, i *inspection, _ string) error {
	o := overview{Image: i.name, Size: i.device.Size(), Volumes: []volumeView{}, Unread: i.image.Unread}
	for _, v := range i.image.Volumes {
		o.Volumes = append(o.Volumes, viewOfVolume(v))
	}
	if i.flags.out.json() {
		return printJSON(i.stdout, o)
	}
	return i.printOverview(o)
}

func viewOfVolume(v image.Volume) volumeView {
	r := v.Replayed()
	out := volumeView{
		Part: v.Part, UUID: v.UUID(), Label: v.Label(), BlockSize: v.BlockSize(),
		Journal: journalView{r.Needed, r.Transactions, r.Blocks, r.Revoked, r.LastCommit, r.Stopped},
	}
	for _, err := range v.Damage() {
		out.Damage = append(out.Damage, err.Error())
	}
	return out
}

func (i *inspection) printOverview(o overview) error {
	p := palette{i.colours()}
	fmt.Fprintf(i.stdout, "%s  %s\n\n", p.bold(safe(o.Image)), quantity(o.Size, "bytes"))
	w := tabwriter.NewWriter(i.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PARTITION\tKIND\tSIZE\tUUID\tLABEL\tJOURNAL")
	for n, v := range o.Volumes {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", v.Part.Number, v.Part.Kind, quantity(v.Part.Size, "bytes"), v.UUID, safe(v.Label), journalWords(i.image.Volumes[n].Replayed()))
	}
	for _, u := range o.Unread {
		if u.Part != (partition.Part{}) {
			fmt.Fprintf(w, "%d\t%s\t%s\t\t\t%s\n", u.Part.Number, u.Part.Kind, quantity(u.Part.Size, "bytes"), "not read")
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, u := range o.Unread {
		fmt.Fprintf(i.stdout, "%s  %s\n", p.yellow("unread"), safe(u.String()))
	}
	for _, v := range o.Volumes {
		for _, damage := range v.Damage {
			fmt.Fprintf(i.stdout, "%s  %s: %s\n", p.red("damage"), v.Part, safe(damage))
		}
	}
	return nil
}

// journalWords says what a journal held, on one line.
func journalWords(r volume.Replay) string {
	switch {
	case !r.Needed:
		return "clean"
	case r.Transactions == 0:
		return "not replayed"
	case r.LastCommit.IsZero():
		return fmt.Sprintf("%d transactions replayed", r.Transactions)
	}
	return fmt.Sprintf("%d transactions replayed, the last of %s", r.Transactions, r.LastCommit.UTC().Format("2006-01-02 15:04:05.000 MST"))
}
