package ext4

import (
	"bytes"
	"encoding/binary"
	"slices"
)

const (
	quickRuns   = 16  // pieces of a directory that is read quickly
	quickBlocks = 256 // that are read at a time
)

// quick reads a directory that is as nearly all are: in extents, in few pieces, without anything wrong. It is false, and
// what it added must be taken back, where the directory is another.
func (b *bulk) quick(in *Inode) bool {
	bs := uint64(b.fs.super.blockSize)
	blocks := (uint64(in.Size) + bs - 1) / bs
	if b.fs.changedDir(in) != nil {
		return false
	}
	if in.inline() || in.wrong != nil || !in.isDir() || in.Encrypted() || in.Flags&flagExtents == 0 || blocks > uint64(b.fs.limits.maxDirBlocks(int64(bs))) {
		return false
	}
	var seen []run
	for n := uint64(0); n < blocks; {
		r, err := b.fs.runAt(in, n)
		if err != nil || r.physical == 0 || len(seen) >= quickRuns || slices.ContainsFunc(seen, r.overlaps) {
			return false
		}
		r.blocks = min(r.blocks, blocks-n)
		if !b.quickRun(in, n, r) {
			return false
		}
		n += r.blocks
		seen = append(seen, r)
	}
	return true
}

func (r run) overlaps(other run) bool {
	return r.physical < other.physical+other.blocks && other.physical < r.physical+r.blocks
}

func (b *bulk) quickRun(in *Inode, logical uint64, r run) bool {
	bs := uint64(b.fs.super.blockSize)
	for r.blocks > 0 {
		n := min(r.blocks, quickBlocks)
		p := b.space(int(n * bs))
		if b.fs.dev.readRun(r.physical, 0, p) != nil {
			return false
		}
		for ; len(p) > 0; p = p[bs:] {
			if b.fs.dirSum(in, logical, p[:bs]) != nil || !b.quickBlock(p[:bs]) {
				return false
			}
			logical++
		}
		r.physical, r.blocks = r.physical+n, r.blocks-n
	}
	return true
}

func (b *bulk) space(n int) []byte {
	if cap(b.buffer) < n {
		b.buffer = make([]byte, n)
	}
	return b.buffer[:n]
}

// quickBlock takes the names of one block. It knows what eachIn knows, and gives up where that would say something.
func (b *bulk) quickBlock(p []byte) bool {
	le := binary.LittleEndian
	typed := b.fs.super.hasFiletype()
	for at := 0; at+8 <= len(p); {
		e := p[at:]
		length, name, kind := b.fs.entryLength(le.Uint16(e[4:])), int(e[6]), e[7]&7
		if !typed {
			name, kind = int(le.Uint16(e[6:])), 0
		}
		if length < 8 || length%4 != 0 || length > len(e) {
			return false
		}
		at += length
		inode := le.Uint32(e)
		if inode == 0 {
			continue
		}
		if name == 0 || name > 255 || name+8 > length || len(b.names.Records)-b.first >= b.most {
			return false
		}
		text := e[8 : 8+name]
		if bytes.IndexByte(text, '/') >= 0 || bytes.IndexByte(text, 0) >= 0 {
			return false
		}
		if text[0] != '.' || name > 2 || string(text) != "." && string(text) != ".." {
			b.add(text, inode, kind)
		}
	}
	return true
}
