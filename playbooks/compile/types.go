package compile

import (
	"reflect"
	"sync"

	"github.com/firebreak-ir/firebreak/activities"
)

// Types reads the types of activities, and their essences, once for many compilations, also for several at a time. A nil one
// reads them each time.
type Types struct {
	mu       sync.Mutex
	known    map[reflect.Type]activities.Type
	essences map[essential]string
}

// essential is all of a declaration that its essence is made of.
type essential struct {
	name    string
	in, out reflect.Type
	effect  activities.Effect
	place   activities.Place
	undo    bool
}

// NewTypes makes an empty one.
func NewTypes() *Types {
	return &Types{known: map[reflect.Type]activities.Type{}, essences: map[essential]string{}}
}

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

func (t *Types) essence(d activities.Definition) (string, error) {
	if t == nil {
		return activities.Essence(d)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := essential{d.Name, d.In, d.Out, d.Effect, d.Place, d.Undo != nil}
	if known, ok := t.essences[key]; ok {
		return known, nil
	}
	made, err := activities.Essence(d)
	if err == nil {
		t.essences[key] = made
	}
	return made, err
}
