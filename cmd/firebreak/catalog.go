package main

import (
	"github.com/firebreak-ir/firebreak/activities"
	"github.com/firebreak-ir/firebreak/activities/all"
)

// catalog is the catalog for compiling and documenting: nothing in it can be run.
func (a *app) catalog() activities.Catalog { return all.Catalog(all.Deps{}) }
