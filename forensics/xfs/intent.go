package xfs

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// An intent says what a chain of transactions is going to do; the item after it in this list of types says that it is done.
const (
	intentFree     = 0x1236
	intentOwner    = 0x1240
	intentShare    = 0x1242
	intentMap      = 0x1244
	intentAttr     = 0x1246
	intentExchange = 0x1248
	intentLast     = 0x124F
)

// intentKey names an intent: its type, and the number that the item that ends it carries too.
type intentKey struct {
	kind uint16
	id   uint64
}

func (k intentKey) compare(other intentKey) int {
	return cmp.Or(cmp.Compare(k.kind, other.kind), cmp.Compare(k.id, other.id))
}

// intent notes one, or strikes out one that is done.
func (r *replayer) intent(kind uint16, it *item) error {
	b := it.regions[0]
	if kind != intentFree && kind != intentFree+1 && (kind < intentOwner || kind > intentLast) {
		return fmt.Errorf("an item of the unknown type %#x", kind)
	}
	if len(b) < 16 {
		return fmt.Errorf("an item of type %#x whose description has %d bytes", kind, len(b))
	}
	id := binary.LittleEndian.Uint64(b[8:])
	if begun := kind &^ 1; kind != begun {
		delete(r.intents, intentKey{begun, id})
		return nil
	}
	if err := r.budget.take(4 * regionCost); err != nil {
		return err
	}
	r.intents[intentKey{kind, id}] = describeIntent(kind, b, it.regions[1:])
	return nil
}

// reportIntents says what was begun and not done.
func (r *replayer) reportIntents() {
	for _, key := range slices.SortedFunc(maps.Keys(r.intents), intentKey.compare) {
		r.leaveOut("log", "%s was begun and is not finished: the kernel finishes it when it mounts, here it is not", r.intents[key])
	}
}

// describeIntent says what was going to be done, with the files that it would change.
func describeIntent(kind uint16, b []byte, more [][]byte) string {
	switch kind {
	case intentFree:
		return "the freeing of blocks, which changes no file,"
	case intentOwner:
		return "the list of the owners of blocks, which changes no file,"
	case intentShare:
		return "the count of shared blocks, which changes no file,"
	case intentMap:
		return describeMap(b)
	case intentAttr:
		return describeAttr(b, more)
	case intentExchange:
		return describeExchange(b)
	}
	return fmt.Sprintf("what an item of type %#x says", kind)
}

func describeMap(b []byte) string {
	le := binary.LittleEndian
	if len(b) < 48 {
		return "a change of the blocks of a file"
	}
	what := "gives"
	if le.Uint32(b[44:])&0xFF == 2 {
		what = "takes"
	}
	return fmt.Sprintf("a change of inode %d, which %s it %d blocks at block %d, on the disk at %#x,",
		le.Uint64(b[16:]), what, le.Uint32(b[40:]), le.Uint64(b[32:]), le.Uint64(b[24:]))
}

func describeAttr(b []byte, more [][]byte) string {
	if len(b) < 32 {
		return "a change of an extended attribute"
	}
	name := ""
	if len(more) > 0 {
		name = string(more[0])
	}
	return fmt.Sprintf("a change of the extended attribute %q of inode %d", name, binary.LittleEndian.Uint64(b[16:]))
}

func describeExchange(b []byte) string {
	le := binary.LittleEndian
	if len(b) < 32 {
		return "an exchange of the blocks of two files"
	}
	return fmt.Sprintf("an exchange of blocks between inodes %d and %d", le.Uint64(b[16:]), le.Uint64(b[24:]))
}
