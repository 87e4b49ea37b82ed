package analysis

import (
	"context"

	"github.com/firebreak-ir/firebreak/forensics/containers"
	"github.com/firebreak-ir/firebreak/forensics/findings"
	"github.com/firebreak-ir/firebreak/forensics/image"
)

// Layers holds the layers of images against the digests that the images are known by: those that containers of the listing
// are made of, or all where the listing is nil. A difference means that somebody changed an image where it lies on the
// node, under every container that comes from it. scratch is an empty directory on this machine.
func Layers(ctx context.Context, v image.Volume, listing *containers.Listing, scratch string) ([]containers.Check, []Finding, []string, error) {
	checks, problems, err := containers.Verify(ctx, v.FS, scratch, containers.VerifyOptions{Only: layersBelow(listing)})
	var found []Finding
	for _, c := range checks {
		for _, f := range findings.Tampered(v.Part.Number, c) {
			found = append(found, Finding{Finding: f})
		}
	}
	return checks, found, problems, err
}

// layersBelow are the directories of layers that lie under the containers' own.
func layersBelow(listing *containers.Listing) map[string]bool {
	if listing == nil {
		return nil
	}
	out := map[string]bool{}
	for _, c := range listing.Containers {
		if len(c.Layers) > 1 && !c.Deleted {
			for _, dir := range c.Layers[:len(c.Layers)-1] {
				out[dir] = true
			}
		}
	}
	return out
}
