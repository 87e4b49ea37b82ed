package xfs

// The newest sector of the log is followed by the oldest. Both are told apart by their turns, as xlog_find_head does: the
// log reads x+1 ... x+1 x ... x, with holes where records were on their way when the machine stopped.

// findHead gives the sector that would be written next. It is 0 in a log that was never written.
func (l *xlog) findHead() (int64, error) {
	first, err := l.cycle(0)
	if err != nil || first == 0 {
		return 0, err
	}
	last, err := l.cycle(l.sectors - 1)
	if err != nil {
		return 0, err
	}
	head := l.sectors
	stop := last - 1
	if last == 0 && first != 1 {
		return 0, damaged("log", "its last sector was never written, its first in turn %d", first)
	}
	if first != last {
		stop = last
		if head, err = l.firstOf(last); err != nil {
			return 0, err
		}
	}
	if head, err = l.overHoles(head, stop, last == 0); err != nil {
		return 0, err
	}
	if head, err = l.wholeRecord(head); err != nil {
		return 0, err
	}
	return head % l.sectors, nil
}

// firstOf gives about the first sector of a turn that the log's end has and its beginning has not.
func (l *xlog) firstOf(cycle uint32) (int64, error) {
	low, high := int64(0), l.sectors-1
	for high-low > 1 {
		middle := (low + high) / 2
		got, err := l.cycle(middle)
		if err != nil {
			return 0, err
		}
		if got == cycle {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// overHoles moves the head back to the first hole before it, within what may have been on its way at once.
func (l *xlog) overHoles(head int64, stop uint32, fresh bool) (int64, error) {
	span := min(logInFlight*l.maxRecord()/sectorSize, l.sectors)
	if rest := span - head; rest > 0 && !fresh { // the end of the log comes before its beginning
		hole, err := l.find(l.sectors-rest, rest, stop-1)
		if err != nil || hole >= 0 {
			return hole, err
		}
	}
	first := max(head-span, 0)
	hole, err := l.find(first, head-first, stop)
	if err != nil || hole >= 0 {
		return hole, err
	}
	return head, nil
}

// maxRecord gives the most bytes that a record of this log can have.
func (l *xlog) maxRecord() int64 {
	if l.fs.super.logV2() {
		return maxRecord
	}
	return maxRecord1
}

// find gives the first of some sectors that was written in a turn, or -1.
func (l *xlog) find(first, count int64, cycle uint32) (int64, error) {
	for n := first; n < first+count; n++ {
		got, err := l.cycle(n)
		if err != nil {
			return 0, err
		}
		if got == cycle {
			return n, nil
		}
	}
	return -1, nil
}

// wholeRecord moves the head back to where the last record begins, when it does not end at the head.
func (l *xlog) wholeRecord(head int64) (int64, error) {
	at, found, err := l.headerBefore(head, l.maxRecord()/sectorSize+maxHeaders)
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, damaged(l.place(head%l.sectors), "no record ends here, where the log ends")
	}
	b, err := l.sector(at)
	if err != nil {
		return 0, err
	}
	h, wrong := l.parseHeader(at, b)
	if h.uuid != l.fs.super.uuid && h.uuid != ([16]byte{}) {
		return 0, damaged(l.place(at), "the log belongs to the file system %x", h.uuid)
	}
	if ends := at + h.sectors(); wrong == nil && (ends == head || ends == head+l.sectors) {
		return head, nil
	}
	l.torn = true
	return at, nil
}
