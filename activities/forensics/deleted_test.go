package forensics_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities/forensics"
)

// TestDeletedContainersAreTold apart from those that the store knows: nobody counts traces as containers.
func TestDeletedContainersAreTold(t *testing.T) {
	source := t.TempDir()
	unpack(t, "../../forensics/containers/testdata/deleted.tar.gz", source)
	out, err := run[forensics.ListContainersOutput](t, forensics.ListContainers(forensics.Deps{Store: withImage(t, makeDisk(t, source))}), call("list"), forensics.ImageInput{Image: imageName})
	if err != nil {
		t.Fatal(err)
	}
	known, gone := 0, 0
	for i, c := range out.Containers {
		switch {
		case c.Deleted:
			gone++
		case gone > 0:
			t.Errorf("container %d, which is known, stands behind a deleted one", i)
		default:
			known++
		}
	}
	if gone == 0 || known == 0 || out.Total != known+gone || !strings.Contains(out.Summary, "traces of") || !strings.HasPrefix(out.Summary, fmt.Sprintf("%d container", known)) {
		t.Errorf("%d known, %d deleted: %s", known, gone, out.Summary)
	}
}
