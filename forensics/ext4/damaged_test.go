package ext4_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// TestDamagedMetadata changes bytes of metadata: what the kernel still reads must be read alike, and where it finds
// something wrong, so must we.
func TestDamagedMetadata(t *testing.T) {
	for name, options := range map[string]string{"sums": "-O metadata_csum", "no sums": "-O ^metadata_csum", "inline": "-O inline_data,^metadata_csum"} {
		whole := damageable(t, options)
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%s, %d", name, seed), func(t *testing.T) {
				t.Parallel()
				b := bytes.Clone(whole)
				damageBlocks(t, b, seed)
				image := filepath.Join(t.TempDir(), "damaged.img")
				must(t, os.WriteFile(image, b, 0o600))
				dir, ok := kerneltest.TryMount(t, "ext4", image, "ro,noload,errors=continue")
				if !ok { // there is no view to compare with: it must be read to its end, and told
					endsAndTells(t, b)
					return
				}
				want := kerneltest.Kernel(t, dir)
				disk := openImage(t, image, ext4.Options{SkipJournal: true})
				_, wrong := walked(disk)
				got := kerneltest.Read(t, disk, true)
				if equal := kerneltest.Same(t, want, got, kerneltest.Options{Damaged: true}); equal == 0 {
					t.Error("nothing is equal")
				}
				for path, e := range want {
					if e.Unread != "" && !strings.HasPrefix(e.Unread, "no such file") && got[path].Unread == "" && len(wrong) == 0 && len(disk.Damage()) == 0 {
						t.Errorf("the kernel does not read %q (%s), and nothing is reported", path, e.Unread)
					}
				}
			})
		}
	}
}

// endsAndTells reads an image that the kernel does not mount. What is wrong with it must be said.
func endsAndTells(t *testing.T, b []byte) {
	t.Helper()
	disk, err := ext4.Open(bytes.NewReader(b), int64(len(b)), ext4.Options{SkipJournal: true})
	if err != nil {
		return // said
	}
	if _, wrong := walked(disk); len(wrong) == 0 && len(disk.Damage()) == 0 {
		t.Error("the kernel refuses the image, and nothing of it is reported")
	}
}

// damageable gives an image with something of everything, in few blocks.
func damageable(t *testing.T, options string) []byte {
	t.Helper()
	image := blankImage(t, "6M", append([]string{"-b", "1024", "-N", "400", "-J", "size=1", "-E", "lazy_itable_init=0"}, strings.Fields(options)...)...)
	dir, unmount := kerneltest.Mount(t, "ext4", image, "rw")
	for i := range 120 {
		write(t, filepath.Join(dir, fmt.Sprintf("many/%d-%s", i, strings.Repeat("n", i%30))), pattern(i*7))
	}
	specials(t, filepath.Join(dir, "specials"))
	attributes(t, filepath.Join(dir, "attributes"))
	owners(t, filepath.Join(dir, "owners"))
	pieces(t, filepath.Join(dir, "pieces"), 150, 2048)
	unmount()
	b, err := os.ReadFile(image)
	must(t, err)
	return b
}

// damageBlocks changes bytes that are in use in 40 places of the inode table and of directories, by chance, but not of the
// superblock and the descriptors: the kernel would not mount.
func damageBlocks(t *testing.T, b []byte, seed uint64) {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 1))
	disk := openBytes(t, bytes.NewReader(b), len(b))
	first := disk.InodeAt(t, 12)
	for range 40 {
		at := first + int64(chance.IntN(380*256))
		if chance.IntN(3) == 0 { // behind the table lie directories, attributes and extents, and data too
			at = first + 100<<10 + int64(chance.IntN(700<<10))
		}
		for b[at] == 0 {
			at++
		}
		b[at] ^= 1 << chance.IntN(8)
	}
}
