package findings

import (
	"time"

	"github.com/firebreak-ir/firebreak/forensics/drift"
)

// LayerAge says when a layer that no container owns was made. Most such layers are images'.
type LayerAge struct {
	Created time.Time // zero where the disk does not say
	Removed bool      // the whole layer is gone
}

// Why a change in a layer that no container owns is listed and not judged.
const (
	AsUnpacked = "it is as an image leaves it that is unpacked"
	AsRemoved  = "its whole layer was removed"
)

// unpacking is how long after a layer was made an image may still be unpacked into it: containerd makes the layer before
// it fetches the bytes.
const unpacking = 30 * time.Minute

// Excuse says why a change does not count, or nothing. An image that is pulled brings thousands of programs, and its
// accounts and timers. They have in common that they were modified before their layer was made, and were put there soon
// after: a program that a container writes is newer than its layer, and one whose time was set back gives itself away
// when the layer is older than any unpacking takes. What an image deletes has no time of its own. A layer that is gone
// as a whole was removed by its runtime.
func (a LayerAge) Excuse(gone bool, is *drift.State) string {
	if gone && a.Removed {
		return AsRemoved
	}
	if gone || is == nil || a.Created.IsZero() {
		return ""
	}
	age := is.Changed.Sub(a.Created)
	whiteout := is.Type == "device" && is.Device == "0:0"
	if age >= 0 && age <= unpacking && (whiteout || is.Modified.Before(a.Created)) {
		return AsUnpacked
	}
	return ""
}
