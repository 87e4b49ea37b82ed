package xfs

import (
	"encoding/binary"
	"fmt"
	"maps"
)

// Types of items, each with the number by which the log knows it.
const (
	itemInode    = 0x123B
	itemBuffer   = 0x123C
	itemQuota    = 0x123D
	itemQuotaOff = 0x123E
	itemCreate   = 0x123F
)

// commit replays a transaction. Buffers come first, with those of new inodes, then inodes, then the lists of deleted
// inodes that their buffers hold, then what was cancelled (xlog_recover_reorder_trans).
func (r *replayer) commit(t *transaction) error {
	if t.lsn != r.lsn {
		r.settle(t.lsn)
	}
	var order [4][]*item
	for _, it := range t.items {
		if len(it.regions) != it.total {
			return fmt.Errorf("an item of %d regions has %d", it.total, len(it.regions))
		}
		rank := it.rank()
		order[rank] = append(order[rank], it)
	}
	for _, items := range order {
		for _, it := range items {
			if err := r.item(t, it); err != nil {
				return err
			}
		}
	}
	replay := &r.fs.replay
	if replay.Transactions == 0 {
		replay.First = t.lsn
	}
	replay.Transactions, replay.Last = replay.Transactions+1, t.lsn
	return nil
}

// settle gives what was replayed the age of the transactions that are behind: the kernel writes it to the disk now.
func (r *replayer) settle(next uint64) {
	maps.Copy(r.ages, r.waiting)
	clear(r.waiting)
	r.lsn = next
}

func (it *item) kind() uint16 {
	if len(it.regions[0]) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint16(it.regions[0])
}

// rank is an item's place among those of its transaction.
func (it *item) rank() int {
	switch kind := it.kind(); {
	case kind == itemCreate:
		return 0
	case kind != itemBuffer:
		return 1
	}
	b, err := parseBuffer(it.regions[0])
	switch {
	case err == nil && b.flags&bufferCancel != 0:
		return 3
	case err == nil && b.flags&bufferInodes != 0:
		return 2
	}
	return 0
}

func (r *replayer) item(t *transaction, it *item) error {
	switch kind := it.kind(); kind {
	case itemBuffer:
		return r.buffer(t, it)
	case itemInode:
		return r.inode(t, it)
	case itemCreate:
		return r.create(it)
	case itemQuota, itemQuotaOff: // quotas tell nothing of files
		return nil
	default:
		return r.intent(kind, it)
	}
}
