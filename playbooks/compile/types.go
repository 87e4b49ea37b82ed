package compile

import (
	"reflect"
	"sync"

	"github.com/firebreak-ir/firebreak/activities"
)

// Types reads the types of activities once for many compilations, also for several at a time. A nil one reads them each
// time.
type Types struct {
	mu    sync.Mutex
	known map[reflect.Type]activities.Type
}

// NewTypes makes an empty one.
func NewTypes() *Types { return &Types{known: map[reflect.Type]activities.Type{}} }

func (t *Types) of(r reflect.Type) (activities.Type, error) {
	if t == nil {
		return activities.TypeOf(r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.known[r]; ok {
		return known, nil
	}
	read, err := activities.TypeOf(r)
	if err == nil {
		t.known[r] = read
	}
	return read, err
}
