package custody

import (
	"strings"
	"testing"
)

// A block that never came has no checksum: it is a hole, and the disk has no digest.
func TestABlockThatNeverCameIsAHole(t *testing.T) {
	t.Parallel()
	whole := diskIndex(t)
	lines := strings.SplitAfter(whole, "\n")
	lines[2] = `{"index":2,"offset":8,"length":4,"checksum":"","why":"access denied"}` + "\n"
	index := strings.Join(lines, "")
	for image, wrong := range map[string]int64{"abcd" + strings.Repeat("\x00", 16): -1, diskImage: 8, "abcX" + strings.Repeat("\x00", 16): 0} {
		found, err := firstWrong(strings.NewReader(image), strings.NewReader(index))
		if err != nil || (found == nil) != (wrong < 0) || found != nil && found.offset != wrong {
			t.Errorf("%q: %+v, %v", image, found, err)
		}
	}
	if _, err := diskOf("data/snap-1/blocks.jsonl", strings.NewReader(index)); err == nil || !strings.Contains(err.Error(), "the block at 8 has no checksum") {
		t.Error(err)
	}
	if d, err := diskOf("data/snap-1/blocks.jsonl", strings.NewReader(whole)); err != nil || d.Blocks != 3 || d.Image != "data/snap-1/image.raw" {
		t.Errorf("%+v, %v", d, err)
	}
}
