package ext4_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/firebreak-ir/firebreak/forensics/ext4"
	"github.com/firebreak-ir/firebreak/forensics/volume/kerneltest"
)

// features are the file systems that this kernel mounts, by mkfs's options.
func features() map[string]string {
	return map[string]string{
		"default":            "",
		"1k":                 "-b 1024",
		"2k, 128 byte inode": "-b 2048 -I 128",
		"1k, 1k inode":       "-b 1024 -I 1024",
		"ext2, 1k":           "-t ext2 -b 1024",
		"ext2, revision 0":   "-t ext2 -b 1024 -r 0 -O none",
		"ext3":               "-t ext3",
		"inline data":        "-O inline_data",
		"inline data, 512":   "-O inline_data -I 512 -b 1024",
		"meta_bg":            "-O meta_bg,^resize_inode -b 1024 -g 1024",
		"64bit, 128 desc":    "-O 64bit -E desc_size=128",
		"no 64bit":           "-O ^64bit,^metadata_csum,uninit_bg",
		"no flex_bg":         "-O ^flex_bg -b 1024 -g 2048",
		"sparse_super2":      "-O sparse_super2,^resize_inode -b 1024",
		"no sparse_super":    "-O ^sparse_super,^resize_inode -b 1024",
		"bigalloc":           "-O bigalloc -C 16384",
		"bigalloc, 1k":       "-O bigalloc -b 1024 -C 4096",
		"no filetype":        "-O ^filetype",
		"no journal":         "-O ^has_journal",
		"no extents":         "-O ^extent,^64bit -b 2048",
		"large_dir":          "-O large_dir -b 1024",
		"ea_inode":           "-O ea_inode",
		"ea_inode, 1k":       "-O ea_inode,inline_data -b 1024",
		"csum_seed":          "-O metadata_csum_seed",
		"orphan_file":        "-O orphan_file",
		"fast_commit":        "-O fast_commit",
		"encrypt, verity":    "-O encrypt,verity",
		"quota, project":     "-I 256",
		"mmp":                "-O mmp",
		"no dir_index":       "-O ^dir_index",
	}
}

// TestAgainstKernel compares every entry with the kernel's view, on file systems of every kind that it mounts.
func TestAgainstKernel(t *testing.T) {
	for name, options := range features() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := blankImage(t, "96M", strings.Fields(options)...)
			dir, unmount := kerneltest.Mount(t, "ext4", image, "rw")
			populate(t, dir)
			unmount()
			if name == "quota, project" { // kernels without quotas mount it read-only alone, so it is made of a filled one
				run(t, "tune2fs", "-O", "project,quota", "-Q", "usrquota,grpquota,prjquota", image)
			}
			dir, _ = kerneltest.Mount(t, "ext4", image, "ro,noload")
			disk := openImage(t, image, ext4.Options{})
			kerneltest.Compare(t, disk, dir)
			if d := disk.Damage(); len(d) != 0 {
				t.Errorf("damage in a sound image: %v", d)
			}
		})
	}
}

// TestUnwritten reads zeros where blocks are a file's and were never written, on a disk that was full of something else.
func TestUnwritten(t *testing.T) {
	image := filepath.Join(t.TempDir(), "used.img")
	must(t, os.WriteFile(image, pattern(16<<20), 0o600))
	run(t, "mkfs.ext4", "-q", "-F", "-E", "nodiscard", "-b", "1024", image)
	dir, unmount := kerneltest.Mount(t, "ext4", image, "rw")
	layouts(t, filepath.Join(dir, "layouts"))
	unmount()
	dir, _ = kerneltest.Mount(t, "ext4", image, "ro,noload")
	kerneltest.Compare(t, openImage(t, image, ext4.Options{}), dir)
}

// blankImage lets mkfs make an empty file system.
func blankImage(t testing.TB, size string, options ...string) string {
	t.Helper()
	need(t, "mkfs.ext4")
	image := filepath.Join(t.TempDir(), "disk.img")
	run(t, "mkfs.ext4", append(append([]string{"-q", "-F"}, options...), image, size)...)
	return image
}
