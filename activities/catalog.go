package activities

import "slices"

// Catalog is an ordered list of activities that can be looked up by name.
type Catalog struct{ list []Definition }

// NewCatalog keeps the order of the list: it is the order of the documentation.
func NewCatalog(list ...Definition) Catalog { return Catalog{list: slices.Clone(list)} }

// All gives every activity in order.
func (c Catalog) All() []Definition { return slices.Clone(c.list) }

// Find gives the activity of that name.
func (c Catalog) Find(name string) (Definition, bool) {
	for _, d := range c.list {
		if d.Name == name {
			return d, true
		}
	}
	return Definition{}, false
}
