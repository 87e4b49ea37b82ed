package lastwrites

import (
	"io/fs"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// verdict says what became of an entry that is there after the replay, and fills in whether only the journal knows and what
// was there before. No kind means that it did not change.
func (c *comparison) verdict(ch *Change, info fs.FileInfo, stat volume.Stat, old met, there bool) Kind {
	ch.Alone = c.old != nil
	if c.old != nil && !there {
		return Added
	}
	if there {
		oldInfo, err := old.entry.Info()
		if err != nil { // a name that reached its place before its inode did, or damage that the journal mends
			return Added
		}
		was, _ := volume.StatOf(oldInfo)
		if signature(stat) != signature(was) {
			ch.Before = before(was)
			return c.difference(info, oldInfo, stat, was)
		}
	}
	ch.Alone = false
	return sinceVerdict(info, stat, c.Since)
}

// signature is what two views of one entry are compared by: everything but the time of access. A directory's times, size
// and links change with what it holds.
func signature(stat volume.Stat) volume.Stat {
	stat.Accessed = time.Time{}
	if stat.Mode&volume.TypeMask == volume.TypeDir {
		return volume.Stat{Inode: stat.Inode, Generation: stat.Generation, Mode: stat.Mode, UID: stat.UID, GID: stat.GID}
	}
	return stat
}

// difference tells a file whose content may be another from one of which only the inode says something else.
func (c *comparison) difference(info, oldInfo fs.FileInfo, now, before volume.Stat) Kind {
	switch {
	case now.Inode != before.Inode || now.Generation != before.Generation || (now.Mode^before.Mode)&volume.TypeMask != 0:
		return Modified
	case info.IsDir():
		return Metadata
	case now.Size != before.Size || !now.Modified.Equal(before.Modified) || now.Major != before.Major || now.Minor != before.Minor:
		return Modified
	case info.Mode().IsRegular() && c.moved(info, oldInfo):
		return Modified
	}
	return Metadata
}

// moved tells whether a file's bytes lie elsewhere than before, or nobody can say.
func (c *comparison) moved(info, oldInfo fs.FileInfo) bool {
	now, err := c.now.Extents(info, maxPieces)
	old, oldErr := c.old.Extents(oldInfo, maxPieces)
	return err != nil || oldErr != nil || !slices.Equal(now, old)
}

// sinceVerdict says by its times alone what became of an entry that both views have.
func sinceVerdict(info fs.FileInfo, stat volume.Stat, since time.Time) Kind {
	switch {
	case recent(stat.Created, since):
		return Added
	case info.IsDir() || !recent(stat.Changed, since):
		return ""
	case recent(stat.Modified, since):
		return Modified
	}
	return Metadata
}

func recent(at, since time.Time) bool { return !since.IsZero() && !at.Before(since) }
