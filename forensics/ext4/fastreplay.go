package ext4

import (
	"encoding/binary"
	"fmt"
)

const maxFastPatches = 64 << 20 // bytes of blocks with inodes that fast commits changed

// fastState is what fast commits changed, beside the inodes themselves, which are patched in their blocks.
type fastState struct {
	maps map[uint32]*fastMap
	dirs map[uint32]*fastDir
}

// fastReplay does record after record what the kernel does (fs/ext4/fast_commit.c, ext4_fc_replay), in memory. It brings
// directories' entries and inodes to where they were; a directory's own size and times are as the last transaction has
// them, since fast commits do not tell them.
type fastReplay struct {
	fs    *FS
	state *fastState
	left  room
	wrong int
}

func newFastReplay(f *FS) *fastReplay {
	return &fastReplay{fs: f, state: &fastState{maps: map[uint32]*fastMap{}, dirs: map[uint32]*fastDir{}}, left: f.room()}
}

// run does the records. One that cannot be done is reported and passed over.
func (r *fastReplay) run(tags []fastTag) {
	for i, tag := range tags {
		if err := r.do(tag); err != nil {
			if r.wrong++; r.wrong <= maxErrors/4 {
				r.fs.note(fmt.Errorf("record %d of the fast commits is not replayed: %w", i, err))
			}
		}
	}
	for _, m := range r.state.maps {
		m.settle()
	}
	for _, d := range r.state.dirs {
		d.settle()
	}
	r.fs.fast = r.state
}

func (r *fastReplay) do(tag fastTag) error {
	if tag.kind == fastPad {
		return nil
	}
	le := binary.LittleEndian
	first := le.Uint32(tag.value)
	switch tag.kind {
	case fastInode:
		return r.inode(first, tag.value[4:])
	case fastAddRange:
		return r.addRange(first, tag.value[4:])
	case fastDelRange:
		return r.change(first, fastRange{first: uint64(le.Uint32(tag.value[4:])), length: uint64(le.Uint32(tag.value[8:]))})
	case fastCreate:
		return r.create(first, le.Uint32(tag.value[4:]), string(tag.value[8:]))
	case fastLink:
		_, err := r.link(first, le.Uint32(tag.value[4:]), string(tag.value[8:]))
		return err
	case fastUnlink:
		return r.unlink(first, le.Uint32(tag.value[4:]), string(tag.value[8:]))
	}
	return nil
}

// edit changes an inode in memory.
func (r *fastReplay) edit(n uint32, change func(b []byte)) error {
	block, at, err := r.fs.inodePlace(n)
	if err != nil {
		return err
	}
	if int64(len(r.fs.dev.patches)+1)*r.fs.super.blockSize > maxFastPatches {
		return damaged(fmt.Sprintf("inode %d", n), "fast commits change more than %d bytes of inodes", maxFastPatches)
	}
	b, err := r.fs.dev.patch(block)
	if err != nil {
		return err
	}
	b = b[at : at+r.fs.super.inodeSize]
	change(b)
	r.fs.super.setInodeSum(n, b)
	return nil
}

// inode takes a new copy of an inode. What says where its bytes are is not part of it, but for inline data; behind what
// the copy has, the old attributes stay.
func (r *fastReplay) inode(n uint32, raw []byte) error {
	const where, behind = 0x28, 0x64
	return r.edit(n, func(b []byte) {
		copy(b[:where], raw)
		copy(b[behind:], raw[behind:])
		le := binary.LittleEndian
		switch flags := le.Uint32(b[0x20:]); {
		case flags&flagExtents != 0 && le.Uint16(b[where:]) != extentMagic:
			noExtents(b[where:])
		case flags&flagExtents == 0 && flags&flagInlineData != 0:
			copy(b[where:behind], raw[where:])
		}
	})
}

// noExtents writes the header of an empty extent tree.
func noExtents(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b, extentMagic)
	le.PutUint16(b[2:], 0)
	le.PutUint16(b[4:], 4)
	clear(b[6:12])
}

func (r *fastReplay) addRange(n uint32, extent []byte) error {
	le := binary.LittleEndian
	c := fastRange{first: uint64(le.Uint32(extent)), length: uint64(le.Uint16(extent[4:]))}
	if c.length > maxWritten {
		c.length -= maxWritten
	} else {
		c.physical = uint64(le.Uint32(extent[8:])) | uint64(le.Uint16(extent[6:]))<<32
	}
	return r.change(n, c)
}

func (r *fastReplay) change(n uint32, c fastRange) error {
	if _, err := r.live(n); err != nil {
		return err
	}
	if r.state.maps[n] == nil {
		r.state.maps[n] = &fastMap{}
	}
	r.state.maps[n].changes = append(r.state.maps[n].changes, c)
	return nil
}

// live reads an inode that is in use.
func (r *fastReplay) live(n uint32) (*Inode, error) {
	in, err := r.fs.inode(n)
	if err == nil && in.Links == 0 {
		err = damaged(fmt.Sprintf("inode %d", n), "it has no links")
	}
	return in, err
}

// create names a new inode, whose copy came before. A directory begins empty.
func (r *fastReplay) create(parent, n uint32, name string) error {
	in, err := r.live(n)
	if err != nil {
		return err
	}
	if in.isDir() {
		r.state.dirs[n] = &fastDir{fresh: true, added: map[string]uint32{}}
		if err := r.edit(n, func(b []byte) { binary.LittleEndian.PutUint32(b[4:], uint32(r.fs.super.blockSize)) }); err != nil {
			return err
		}
	}
	if _, err := r.link(parent, n, name); err != nil {
		return err
	}
	return r.setLinks(n, 1)
}

// link adds a name, unless it is there already.
func (r *fastReplay) link(parent, n uint32, name string) (added bool, err error) {
	in, err := r.live(n)
	if err != nil {
		return false, err
	}
	d, err := r.dir(parent)
	if err != nil {
		return false, err
	}
	if _, there := d.names[name]; there {
		return false, nil
	}
	d.add(name, n)
	return true, r.setLinks(n, in.Links+1)
}

// unlink takes a name away, where it still is that inode's. An inode without names is freed.
func (r *fastReplay) unlink(parent, n uint32, name string) error {
	links := r.links(n)
	if links == 0 { // as the kernel: it may be gone already
		return nil
	}
	d, err := r.dir(parent)
	if err != nil {
		return err
	}
	is, there := d.names[name]
	if !there {
		return nil
	}
	if is == n {
		d.remove(name)
	}
	if links > 1 {
		return r.setLinks(n, links-1)
	}
	delete(r.state.maps, n)
	delete(r.state.dirs, n)
	return r.edit(n, func(b []byte) {
		le := binary.LittleEndian
		le.PutUint16(b[0x1A:], 0)
		le.PutUint32(b[4:], 0)
		le.PutUint32(b[0x6C:], 0)
		le.PutUint32(b[0x68:], 0)
		le.PutUint16(b[0x76:], 0)
		if le.Uint32(b[0x20:])&flagExtents != 0 {
			noExtents(b[0x28:])
		}
	})
}

// links counts an inode's; none where it cannot be read.
func (r *fastReplay) links(n uint32) uint16 {
	in, err := r.live(n)
	if err != nil {
		return 0
	}
	return in.Links
}

func (r *fastReplay) setLinks(n uint32, links uint16) error {
	return r.edit(n, func(b []byte) { binary.LittleEndian.PutUint16(b[0x1A:], links) })
}
