package realnode

// UniqueName tells the tests how one lab's things are called on the machine.
func UniqueName(dir string) string { return uniqueName(dir) }
