package forensics_test

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/forensics"
)

// read is what the outputs of all activities that read an image share.
type read struct {
	activities.Result

	Warnings   []string `json:"warnings"`
	Containers []any    `json:"containers"`
}

// readers are the activities that read an image.
func readers(deps forensics.Deps) []activities.Definition {
	return []activities.Definition{forensics.ListContainers(deps), forensics.DockerExplorer(deps), forensics.LastWrites(deps)}
}

// partitioned puts partitions of 4 MiB and the last one, which may be larger, behind an MBR.
func partitioned(t *testing.T, parts ...[]byte) string {
	t.Helper()
	const mib = 1 << 20
	raw := make([]byte, mib)
	for i, p := range parts {
		entry := raw[446+16*i:]
		entry[4] = 0x83
		binary.LittleEndian.PutUint32(entry[8:], uint32(len(raw)/512))
		if len(p) < 4*mib {
			p = append(p, make([]byte, 4*mib-len(p))...)
		}
		binary.LittleEndian.PutUint32(entry[12:], uint32(len(p)/512))
		raw = append(raw, p...)
	}
	raw[510], raw[511] = 0x55, 0xAA
	image := filepath.Join(t.TempDir(), "disk")
	writeFile(t, image, raw)
	return image
}

// btrfs is the mark of a file system that is not supported.
func btrfs() []byte { return append(make([]byte, 64<<10+0x40), "_BHRfS_M"...) }

// TestUnreadPartitions says in every output what of the disk was not read.
func TestUnreadPartitions(t *testing.T) {
	small, err := os.ReadFile(makeDisk(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	damaged := make([]byte, 4096)
	copy(damaged[1024+0x38:], "\x53\xef")
	image := partitioned(t, btrfs(), damaged, small)
	for _, d := range readers(forensics.Deps{Store: withImage(t, image)}) {
		out, err := run[read](t, d, call(d.Name), forensics.ImageInput{Image: imageName})
		said := strings.Join(out.Warnings, "\n")
		for _, want := range []string{"partition 1 at byte 1048576: Btrfs, 4 MiB, was not read", "partition 2 at byte 5242880: ext4, 4 MiB, was not read"} {
			if err != nil || !strings.Contains(said, want) {
				t.Errorf("%s: %v, %q does not say %q", d.Name, err, said, want)
			}
		}
		if !strings.Contains(out.Summary, "2 partitions were not read") {
			t.Errorf("%s: %q", d.Name, out.Summary)
		}
	}
}

// TestADamagedTableBesideAFileSystem reads what there is, and says that the table may have listed more: eight bytes that
// an intruder writes must not keep a disk from being read.
func TestADamagedTableBesideAFileSystem(t *testing.T) {
	raw, err := os.ReadFile(makeDisk(t, t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	copy(raw[512:], "EFI PART")
	image := filepath.Join(t.TempDir(), "disk")
	writeFile(t, image, raw)
	for _, d := range readers(forensics.Deps{Store: withImage(t, image)}) {
		out, err := run[read](t, d, call(d.Name), forensics.ImageInput{Image: imageName})
		if said := strings.Join(out.Warnings, "\n"); err != nil || !strings.Contains(said, "not every partition may be listed") {
			t.Errorf("%s: %v, %+v, warnings %q", d.Name, err, out.Result, said)
		}
	}
}

// TestNothingToRead skips a disk whose file systems are not supported, and says why and what to do.
func TestNothingToRead(t *testing.T) {
	raw := func(text string) []byte { return append([]byte(text), make([]byte, 1<<20)...) }
	whole := func(text string) string {
		image := filepath.Join(t.TempDir(), "disk")
		writeFile(t, image, raw(text))
		return image
	}
	for want, image := range map[string]string{
		"whole disk: Btrfs": whole(string(btrfs())), "whole disk: LUKS": whole("LUKS\xba\xbe"), "whole disk: unknown": whole("data"),
		"partition 1 at byte 1048576: Btrfs": partitioned(t, raw(string(btrfs()))),
	} {
		for _, d := range readers(forensics.Deps{Store: withImage(t, image)}) {
			out, err := run[read](t, d, call(d.Name), forensics.ImageInput{Image: imageName})
			if err != nil || out.Status != activities.Skipped || !strings.Contains(out.Summary, want) || !strings.Contains(out.Summary, "mount a copy") {
				t.Errorf("%s, %s: %v, %+v", want, d.Name, err, out.Result)
			}
		}
	}
}

// TestSkippedHasItsLists gives the steps after a skipped one lists to range over.
func TestSkippedHasItsLists(t *testing.T) {
	deps := forensics.Deps{Store: withImage(t, partitioned(t, btrfs()))}
	for _, d := range readers(deps) {
		raw, err := d.Run(t.Context(), call(d.Name), json.RawMessage(`{"image":"`+imageName+`"}`))
		if err != nil || strings.Contains(string(raw), "null") {
			t.Errorf("%s: %s, %v", d.Name, raw, err)
		}
	}
}

// TestDamageFails keeps a damaged file system apart from one that is not supported.
func TestDamageFails(t *testing.T) {
	damaged := make([]byte, 4096)
	copy(damaged[1024+0x38:], "\x53\xef")
	table := make([]byte, 1<<20)
	copy(table[512:], "EFI PART")
	image := filepath.Join(t.TempDir(), "disk")
	writeFile(t, image, table)
	for name, image := range map[string]string{"ext4": partitioned(t, btrfs(), damaged), "table": image} {
		for _, d := range readers(forensics.Deps{Store: withImage(t, image)}) {
			if _, err := run[read](t, d, call(d.Name), forensics.ImageInput{Image: imageName}); kindOf(err) != activities.Corrupt {
				t.Errorf("%s, %s: %v", name, d.Name, err)
			}
		}
	}
}
