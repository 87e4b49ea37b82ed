package lastwrites

import (
	"io/fs"
	"slices"
	"time"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// verdict says what became of an entry that is there after the replay, and whether only the journal knows.
func (c *comparison) verdict(info fs.FileInfo, stat volume.Stat, old met, there bool) (what Kind, alone, changed bool) {
	if !there {
		alone = c.old != nil
		if recent(stat.Created, c.Since) || alone {
			return Added, alone, true
		}
		return sinceVerdict(info, stat, c.Since), false, recent(stat.Changed, c.Since) && !info.IsDir()
	}
	oldInfo, err := old.entry.Info()
	before, _ := volume.StatOf(oldInfo)
	switch {
	case err != nil: // a name that reached its place before its inode did, or damage that the journal mends
		return Added, true, true
	case signature(stat) != signature(before):
		return c.difference(info, oldInfo, stat, before), true, true
	case recent(stat.Created, c.Since):
		return Added, false, true
	}
	return sinceVerdict(info, stat, c.Since), false, recent(stat.Changed, c.Since) && !info.IsDir()
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

// sinceVerdict says by its times alone what became of a file that both views have.
func sinceVerdict(info fs.FileInfo, stat volume.Stat, since time.Time) Kind {
	if recent(stat.Modified, since) && !info.IsDir() {
		return Modified
	}
	return Metadata
}

func recent(at, since time.Time) bool { return !since.IsZero() && !at.Before(since) }
