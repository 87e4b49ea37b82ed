package findings

import (
	"fmt"
	"strconv"

	"github.com/firebreak-ir/firebreak/forensics/containers"
)

// tampered is the rule of what verification finds: it looks at layers of images, not at changes.
func tampered() Rule {
	return Rule{
		ID: "layer-tampered", Severity: Critical, Title: "A layer of an image is not what its digest says", Places: []Place{Orphan},
		Why: "Runtimes never write into an image's layers. Who does changes every container of the image, those still to come as well, and no container's own layer shows it.",
	}
}

// Tampered gives a finding for each difference that a verification of an image's layer or blob lists.
func Tampered(partition int, c containers.Check) []Finding {
	var out []Finding
	r := tampered()
	for _, d := range c.Differences {
		f := Finding{Rule: r.ID, Severity: r.Severity, Title: r.Title, Place: Orphan, Partition: partition, Disk: c.Layer, Path: d.Path}
		f.Detail = "it is " + d.What
		if d.Field != "" {
			f.Detail = fmt.Sprintf("its %s is %q, the image says %q", d.Field, d.Got, d.Want)
		}
		if d.Field == "sha256" {
			f.SHA256, f.Was = d.Got, d.Want
		}
		f.ID = ID(r.ID, strconv.Itoa(partition), c.Layer, d.Path, d.What, d.Field, d.Got)
		f.Sentence = fmt.Sprintf("%s: %q of image %q; %s", r.Title, d.Path, c.Image, f.Detail)
		out = append(out, f)
	}
	return out
}
