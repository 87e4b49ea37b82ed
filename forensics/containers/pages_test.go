package containers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// database makes a database with branches, inline and large buckets, and an overflowing value.
func database(t testing.TB) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(name, 0o600, &bolt.Options{PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("v1"))
		if err != nil {
			return err
		}
		for i := range 200 {
			inner, err := b.CreateBucket(fmt.Appendf(nil, "namespace-%03d", i))
			if err != nil {
				return err
			}
			if err := inner.Put([]byte("key"), make([]byte, i%100*40)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// readAll reads every key and value of every bucket.
func readAll(local string) (count int, err error) {
	err = view(local, func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return countKeys(b, &count) })
	})
	return count, err
}

func countKeys(b *bolt.Bucket, count *int) error {
	return b.ForEach(func(k, v []byte) error {
		*count++
		if v != nil {
			return nil
		}
		if inner := b.Bucket(k); inner != nil {
			return countKeys(inner, count)
		}
		return nil
	})
}

func TestSoundDatabase(t *testing.T) {
	name := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(name, database(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if count, err := readAll(name); err != nil || count != 400 {
		t.Errorf("%d keys, %v", count, err)
	}
}

// TestDamagedDatabase changes one byte at a time. Whatever it does to bbolt, this process goes on.
func TestDamagedDatabase(t *testing.T) {
	sound := database(t)
	name := filepath.Join(t.TempDir(), "db")
	refused, step := 0, 997
	if testing.Short() {
		step = 5003
	}
	for at := 0; at < len(sound); at += step {
		raw := append([]byte(nil), sound...)
		raw[at] ^= byte(1 + at%255)
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(name); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no change was noticed")
	}
	for _, cut := range []int{0, 10, 1024, 3000, len(sound) / 2, len(sound) - 1} {
		if err := os.WriteFile(name, sound[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(name); err == nil && cut < len(sound)/2 {
			t.Errorf("the first %d bytes pass for a database", cut)
		}
	}
}

// FuzzDatabase changes bytes at several places of a sound database.
func FuzzDatabase(f *testing.F) {
	sound := database(f)
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{8, 8, 1, 2, 8, 12, 255, 255})
	f.Fuzz(func(t *testing.T, edits []byte) {
		raw := append([]byte(nil), sound...)
		for ; len(edits) >= 4; edits = edits[4:] {
			at := int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])
			raw[at%len(raw)] = edits[3]
		}
		name := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = readAll(name)
	})
}
