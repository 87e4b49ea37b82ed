package volume

import "io/fs"

// Orphanage is what a file system may offer besides: what it keeps of files that nobody can name any more.
type Orphanage interface {
	// Orphans gives the files that were deleted while a process had them open, and those that were being shortened, in the
	// order of their inodes. OpenFound and Xattrs take their infos. With an error, those that could be read come along.
	Orphans() ([]Orphan, error)
}

// Orphan is a file that the kernel would have finished with when it mounts the file system again.
type Orphan struct {
	Info fs.FileInfo // its name is "#" and the number of its inode
	// Deleted says that the file has no name and that the kernel would free it: its bytes are still there. Otherwise it has
	// one, and only what lies behind its end would be freed.
	Deleted bool
}
