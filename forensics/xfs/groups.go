package xfs

func (f *FS) checkGroups() {}
func (f *FS) recoverLog()  {}
