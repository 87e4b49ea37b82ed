package ext4

import "testing"

// InodeAt gives where on the image an inode lies.
func (f *FS) InodeAt(t testing.TB, n uint32) int64 {
	t.Helper()
	block, at, err := f.inodePlace(n)
	if err != nil {
		t.Fatal(err)
	}
	return int64(block)*f.super.blockSize + at
}
