package containers

import (
	"fmt"
	"os"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
)

// view reads a copy of a bolt database. bbolt trusts its files: a damaged page makes it panic, read outside its mapping
// or recurse without end. So the pages are checked first, and what is still thrown becomes an error.
func view(local string, do func(*bolt.Tx) error) (err error) {
	if err := checkFile(local); err != nil {
		return err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("bolt database: %v", thrown)
		}
	}()
	db, err := bolt.Open(local, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("open bolt database: %w", err)
	}
	defer func() { _ = db.Close() }() // it was only read
	return db.View(do)
}

func checkFile(local string) error {
	f, err := os.Open(local)
	if err != nil {
		return fmt.Errorf("open copy of database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("measure copy of database: %w", err)
	}
	return checkBolt(f, info.Size())
}
