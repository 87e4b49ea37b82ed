package drift

import (
	"encoding/binary"
)

// maxAlike is how many deleted files of one size a new one is held against.
const maxAlike = 16

// findRename says that a new file is a deleted one of the image: by the mark that overlayfs leaves on a copy, which names
// the inode of what was copied, or by its content.
func (c *comparison) findRename(e *entry, ch *Change) {
	if c.lower == nil {
		return
	}
	if was, ok := c.origin(e); ok {
		c.was(was, ch, "inode")
		return
	}
	if e.info.Size() == 0 || ch.New.SHA256 == "" {
		return
	}
	alike := c.gone.bySize[e.info.Size()]
	for _, was := range alike[:min(len(alike), maxAlike)] {
		if sum, err := c.reader.hash(c.lower, was.info); err == nil && sum == ch.New.SHA256 {
			c.was(was, ch, "content")
			return
		}
	}
}

// nameSource says where the bytes of a changed file come from, if it was renamed over the image's.
func (c *comparison) nameSource(e *entry, ch *Change) {
	if e.from.info != nil {
		ch.From, ch.How = slash(e.from.path), "redirect"
	} else if was, ok := c.origin(e); ok && e.info.Mode().IsRegular() {
		ch.From, ch.How = slash(was.path), "inode"
	}
}

func (c *comparison) was(was lostFile, ch *Change, how string) {
	ch.Verdict, ch.From, ch.How = Renamed, slash(was.path), how
	old, err := stateOf(c.lower, was.info, c.opts.Marks)
	ch.note(err)
	ch.Old = &old
	ch.hash(ch.Old, &c.reader, c.lower, was.info)
	ch.compareStates()
	if old.SHA256 != "" && ch.New.SHA256 != "" && old.SHA256 != ch.New.SHA256 {
		ch.Differs = append(ch.Differs, "content")
	}
}

// origin reads the mark that names what a file was copied from: a file handle, as in fs/overlayfs/overlayfs.h, whose
// handle of ext4 and XFS begins with the inode number and the generation.
func (c *comparison) origin(e *entry) (lostFile, bool) {
	const head = 21 // version, magic, length, flags, type and UUID
	all, _ := c.upper.Tree.Xattrs(e.info)
	raw := all[string(c.opts.Marks)+"origin"]
	if len(raw) < head+8 || raw[1] != 0xFB {
		return lostFile{}, false
	}
	inode, generation := uint64(binary.LittleEndian.Uint32(raw[head:])), binary.LittleEndian.Uint32(raw[head+4:])
	if raw[4]&0x80 != 0 && len(raw) >= head+12 { // FILEID_INO64_GEN, of XFS
		inode, generation = binary.LittleEndian.Uint64(raw[head:]), binary.LittleEndian.Uint32(raw[head+8:])
	}
	for _, f := range c.gone.byInode[inode] {
		if f.generation == generation {
			return f, true
		}
	}
	return lostFile{}, false
}
