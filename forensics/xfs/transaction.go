package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Flags of an operation in a record.
const (
	opStart     = 0x01
	opCommit    = 0x02
	opContinue  = 0x04 // the region goes on in the next record
	opContinued = 0x08 // and has begun in the one before
	opEnd       = 0x10
	opUnmount   = 0x20

	opHeader    = 12
	transHeader = 16
	transMagic  = 0x5452414E // "TRAN"
	maxRegions  = 257        // of one item: a block of 64 KiB in which every other piece of 128 bytes changed
	regionCost  = 64         // bytes that a region takes besides its own
)

// item is one thing that a transaction changes: a description, and the pieces that it speaks of.
type item struct {
	total   int
	regions [][]byte
}

// transaction is a set of items that count only together. Its regions stand in one record or many.
type transaction struct {
	lsn    uint64 // of the record in which it began, which metadata carries as its age
	header []byte
	items  []*item
	cost   int64
}

// assembler puts transactions together from records and hands each to commit when the log says that it is whole.
type assembler struct {
	open   map[uint32]*transaction
	check  func(h *header) error
	commit func(t *transaction) error
	brief  bool // only descriptions are kept
	budget *budget
}

// budget bounds what is kept in memory.
type budget struct{ left, total int64 }

func (b *budget) take(n int64) error {
	if b.left -= n; b.left < 0 {
		b.left += n
		return fmt.Errorf("what the log changes needs more than %d bytes of memory", b.total)
	}
	return nil
}

// record takes a record apart into operations.
func (a *assembler) record(h *header, data []byte) error {
	be := binary.BigEndian
	if err := a.check(h); err != nil && len(data) > 0 {
		return err
	}
	for range h.operations {
		if len(data) == 0 {
			return nil
		}
		if len(data) < opHeader {
			return fmt.Errorf("an operation of %d bytes", len(data))
		}
		id, length, client, flags := be.Uint32(data), be.Uint32(data[4:]), data[8], data[9]
		if client != 0x69 && client != 0xAA {
			return fmt.Errorf("an operation of the unknown client %#x", client)
		}
		data = data[opHeader:]
		if uint64(length) > uint64(len(data)) {
			return fmt.Errorf("an operation of %d bytes in the %d that are left", length, len(data))
		}
		if err := a.operation(h, id, flags, data[:length]); err != nil {
			return fmt.Errorf("transaction %#x: %w", id, err)
		}
		data = data[length:]
	}
	return nil
}

// operation adds one to its transaction. What belongs to none that began in this stretch of the log is passed over: it is
// the rest of one that stands in its place on the disk already.
func (a *assembler) operation(h *header, id uint32, flags byte, data []byte) error {
	t, ok := a.open[id]
	if !ok {
		if flags&opStart != 0 {
			if err := a.budget.take(regionCost); err != nil {
				return err
			}
			a.open[id] = &transaction{lsn: h.lsn, cost: regionCost}
		}
		return nil
	}
	flags &^= opEnd
	if flags&opContinued != 0 {
		flags &^= opContinue
	}
	switch flags {
	case 0, opContinue:
		return a.add(t, data)
	case opContinued:
		return a.extend(t, data)
	case opCommit:
		delete(a.open, id)
		err := a.commit(t)
		a.budget.left += t.cost
		return err
	case opUnmount:
		delete(a.open, id)
		a.budget.left += t.cost
		return nil
	}
	return fmt.Errorf("an operation with flags %#x", flags)
}

// add begins a region. The first of a transaction is its header, the first of an item says how many it has.
func (a *assembler) add(t *transaction, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if len(t.header) < transHeader {
		return t.addHeader(data)
	}
	last := t.last()
	if last == nil || len(last.regions) == last.total {
		if len(data) < 4 {
			return fmt.Errorf("an item whose description has %d bytes", len(data))
		}
		last = &item{total: int(binary.LittleEndian.Uint16(data[2:]))}
		if last.total == 0 || last.total > maxRegions {
			return fmt.Errorf("an item of %d regions", last.total)
		}
		t.items = append(t.items, last)
	}
	last.regions = append(last.regions, nil)
	return a.extend(t, data)
}

func (t *transaction) addHeader(data []byte) error {
	if len(t.header) == 0 && (len(data) < 4 || binary.LittleEndian.Uint32(data) != transMagic) {
		return errors.New("it does not begin with the header of a transaction")
	}
	if len(t.header)+len(data) > transHeader {
		return fmt.Errorf("a header of %d bytes", len(t.header)+len(data))
	}
	t.header = append(t.header, data...)
	return nil
}

func (t *transaction) last() *item {
	if len(t.items) == 0 {
		return nil
	}
	return t.items[len(t.items)-1]
}

// extend adds bytes to the last region.
func (a *assembler) extend(t *transaction, data []byte) error {
	if len(t.header) < transHeader {
		return t.addHeader(data)
	}
	last := t.last()
	if last == nil || len(last.regions) == 0 {
		return errors.New("a region goes on that did not begin")
	}
	i := len(last.regions) - 1
	if a.brief && i > 0 {
		data = nil
	}
	cost := int64(len(data)) + regionCost
	if err := a.budget.take(cost); err != nil {
		return err
	}
	t.cost += cost
	last.regions[i] = append(last.regions[i], data...)
	return nil
}

// release gives back what the transactions take that were never committed.
func (a *assembler) release() {
	for _, t := range a.open {
		a.budget.left += t.cost
	}
}
