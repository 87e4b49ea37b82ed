package ext4

import (
	"fmt"
	"maps"
	"slices"
)

// fastDir is what fast commits changed in a directory.
type fastDir struct {
	fresh   bool                // a new one, in which nothing was before
	names   map[string]uint32   // all of them, while records are replayed
	removed map[string]struct{} // names whose entry on the image does not count
	added   map[string]uint32
	list    []entry // what was added, in the order of names
}

// dir gives a directory with the names that it has now. They are read once.
func (r *fastReplay) dir(n uint32) (*fastDir, error) {
	d := r.state.dirs[n]
	if d != nil && d.names != nil {
		return d, nil
	}
	in, err := r.live(n)
	if err != nil {
		return nil, err
	}
	if !in.isDir() {
		return nil, damaged(fmt.Sprintf("inode %d", n), "it is no directory")
	}
	if d == nil {
		d = &fastDir{added: map[string]uint32{}}
	}
	d.names, d.removed = map[string]uint32{}, map[string]struct{}{}
	if !d.fresh {
		if err = r.fs.eachEntry(in, &r.left.blocks, func(e entry) (bool, error) { return d.note(in, &r.left, e) }); err != nil {
			r.fs.note(fmt.Errorf("of a directory that fast commits change: %w", err))
		}
	}
	r.state.dirs[n] = d
	return d, nil
}

func (d *fastDir) note(in *Inode, left *room, e entry) (bool, error) {
	if !left.take(e.name) {
		return false, damaged(fmt.Sprintf("inode %d", in.Number), "the directories that fast commits change have more entries than are allowed")
	}
	d.names[e.name] = e.inode
	return true, nil
}

func (d *fastDir) add(name string, n uint32) { d.names[name], d.added[name] = n, n }

func (d *fastDir) remove(name string) {
	delete(d.names, name)
	if _, ok := d.added[name]; ok {
		delete(d.added, name)
		return
	}
	d.removed[name] = struct{}{}
}

// settle lets go of what only the replay needs.
func (d *fastDir) settle() {
	d.names = nil
	for _, name := range slices.Sorted(maps.Keys(d.added)) {
		d.list = append(d.list, entry{name: name, inode: d.added[name]})
	}
	d.added = nil
}

// changedDir gives what fast commits changed in a directory, nil where they changed nothing.
func (f *FS) changedDir(in *Inode) *fastDir {
	if f.fast == nil {
		return nil
	}
	return f.fast.dirs[in.Number]
}

// each calls do for the entries that stand on the image and still count, and then for those that were added.
func (d *fastDir) each(onImage func(do func(entry) (bool, error)) error, do func(entry) (bool, error)) error {
	ended := false
	seen := func(e entry) (bool, error) {
		more, err := do(e)
		ended = err != nil || !more
		return more, err
	}
	var damage error
	if !d.fresh {
		damage = onImage(func(e entry) (bool, error) {
			if _, gone := d.removed[e.name]; gone {
				return true, nil
			}
			return seen(e)
		})
	}
	for i := 0; i < len(d.list) && !ended; i++ {
		if _, err := seen(d.list[i]); err != nil {
			return err
		}
	}
	return damage
}
