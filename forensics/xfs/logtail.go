package xfs

import "errors"

// bounds are what of the log has to be replayed: from the tail up to the head, nothing when they are equal.
type bounds struct {
	tail, head int64
	clean      bool // the file system was unmounted
	torn       bool // records at the end were on their way, and are not whole
	behind     int  // records behind the head that were written in the same turn
}

// findBounds finds both ends of what has to be replayed. The last record says where the first begins that may not stand
// in its place on the disk yet.
func (l *xlog) findBounds() (bounds, error) {
	head, err := l.findHead()
	if err != nil {
		return bounds{}, err
	}
	if first, err := l.cycle(0); err != nil || first == 0 {
		return bounds{clean: true}, err
	}
	last, err := l.lastRecord(head)
	if err != nil {
		return bounds{}, err
	}
	b := bounds{head: head, tail: l.tailOf(&last), torn: l.torn}
	if b.clean, err = l.unmounted(&last, head); err != nil {
		return b, err
	}
	if !b.clean {
		if err := l.dropTorn(&b); err != nil {
			return b, err
		}
	}
	b.behind, err = l.behind(b.head)
	return b, err
}

// behind counts the records that follow the head and were written in the same turn as the one before it. The kernel
// ignores them: a crash leaves some where a record before them is not whole, and so does whoever hides what they hold.
func (l *xlog) behind(head int64) (int, error) {
	if head == 0 {
		return 0, nil
	}
	last, err := l.cycle(head - 1)
	if err != nil {
		return 0, err
	}
	count := 0
	for n := head; n < min(head+logInFlight*l.maxRecord()/sectorSize, l.sectors); n++ {
		found, err := l.isHeader(n)
		if err != nil {
			return count, err
		}
		if !found {
			continue
		}
		if cycle, err := l.cycle(n); err == nil && cycle == last {
			count++
		}
	}
	return count, nil
}

func (l *xlog) tailOf(h *header) int64 { return int64(h.tail&0xFFFFFFFF) % l.sectors }

// lastRecord reads the head of the last record before a sector. Whether it can be believed is seen when the record is read.
func (l *xlog) lastRecord(before int64) (header, error) {
	at, found, err := l.headerBefore(before, l.sectors)
	if err != nil {
		return header{}, err
	}
	if !found {
		return header{}, damaged("log", "it has no records")
	}
	b, err := l.sector(at)
	if err != nil {
		return header{}, err
	}
	h, _ := l.parseHeader(at, b)
	return h, nil
}

// unmounted tells whether a record is the one that the kernel writes when it unmounts, and the last.
func (l *xlog) unmounted(h *header, head int64) (bool, error) {
	if h.operations != 1 || (h.at+h.sectors())%l.sectors != head {
		return false, nil
	}
	b, err := l.sector((h.at + h.headers) % l.sectors)
	if err != nil {
		return false, err
	}
	return b[9]&opUnmount != 0, nil // the flags are far from the first word, in which the turn stands
}

// dropTorn moves the head back to the first record that is not whole, among those that may have been on their way at once
// (xlog_verify_head).
func (l *xlog) dropTorn(b *bounds) error {
	from := b.head
	for range logInFlight {
		at, found, err := l.headerBefore(from, l.distance(b.tail, from))
		if err != nil {
			return err
		}
		if !found {
			break
		}
		from = at
	}
	bad, err := l.eachRecord(from, b.head, func(*header, []byte) error { return nil })
	if err == nil {
		return nil
	}
	if errors.Is(err, errUnreadable) || bad == b.tail {
		return err
	}
	good, err := l.lastRecord(bad)
	if err != nil {
		return err
	}
	b.head, b.tail, b.torn = bad, l.tailOf(&good), true
	b.clean, err = l.unmounted(&good, bad)
	return err
}

// skipOverwritten moves the tail on past a record that is not whole and lies so little before the head that newer records
// were on their way over it (xlog_verify_tail).
func (l *xlog) skipOverwritten(b *bounds, bad int64) (bool, error) {
	if l.distance(b.head, bad)*sectorSize > logInFlight*l.maxRecord() {
		return false, nil
	}
	b.tail = (bad + 1) % l.sectors
	return true, l.startOfLog(b)
}

// startOfLog moves the tail to the next record where none begins at it.
func (l *xlog) startOfLog(b *bounds) error {
	for left := l.distance(b.tail, b.head); left > 0; left-- {
		if found, err := l.isHeader(b.tail); found || err != nil {
			return err
		}
		b.tail = (b.tail + 1) % l.sectors
	}
	return nil
}
