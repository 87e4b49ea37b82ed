package ebsfront

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// snapshot is what the front knows of a snapshot that moto made.
type snapshot struct {
	ID       string        `json:"id"`
	Volume   string        `json:"volume"`
	GiB      int64         `json:"gib"`
	Image    bool          `json:"image"` // a copy of the volume's image lies beside this file
	Started  time.Time     `json:"started"`
	Duration time.Duration `json:"duration"`
	Failed   bool          `json:"failed,omitempty"`
	Lock     *lock         `json:"lock,omitempty"`
}

type lock struct {
	Mode    string    `json:"mode"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// state gives EC2's name of the snapshot's state and its progress in percent.
func (s snapshot) state(now time.Time) (string, int) {
	passed := now.Sub(s.Started)
	if s.Failed && passed >= s.Duration/2 {
		return "error", 0
	}
	if s.Duration <= 0 || passed >= s.Duration {
		return "completed", 100
	}
	return "pending", max(0, int(passed*100/s.Duration))
}

var snapshotID = regexp.MustCompile(`^snap-[0-9a-f]{1,32}$`)

// store keeps one JSON file and one image for each snapshot.
type store struct {
	dir    string
	mu     sync.Mutex
	known  map[string]snapshot
	blocks map[string][]int32 // indexes of the blocks that are not zero, found on first use
}

func openStore(dir string) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	s := &store{dir: dir, known: map[string]snapshot{}, blocks: map[string][]int32{}}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "snap-*.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := s.load(file); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// sweep removes the copies that a killed front had not yet given to a snapshot.
func (s *store) sweep() error {
	drafts, err := filepath.Glob(filepath.Join(s.dir, "draft-*"))
	for _, draft := range drafts {
		err = errors.Join(err, os.Remove(draft))
	}
	return err
}

func (s *store) load(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	var one snapshot
	if err := json.Unmarshal(raw, &one); err != nil || !snapshotID.MatchString(one.ID) {
		return fmt.Errorf("decode snapshot %q: %w", file, err)
	}
	s.known[one.ID] = one
	return nil
}

// secret is what tokens are signed with: the same after a restart.
func (s *store) secret() ([]byte, error) {
	path := filepath.Join(s.dir, "secret")
	secret, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	secret = []byte(rand.Text())
	return secret, os.WriteFile(path, secret, 0o600)
}

func (s *store) find(id string) (snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.known[id]
	return one, ok
}

func (s *store) image(id string) string { return filepath.Join(s.dir, id+".img") }

// put writes the snapshot's file whole or not at all.
func (s *store) put(one snapshot) error {
	if !snapshotID.MatchString(one.ID) {
		return fmt.Errorf("snapshot id %q has an unknown form", one.ID)
	}
	raw, err := json.Marshal(one)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, one.ID+".json")
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[one.ID] = one
	return nil
}

func (s *store) remove(id string) error {
	s.mu.Lock()
	delete(s.known, id)
	delete(s.blocks, id)
	s.mu.Unlock()
	err := os.Remove(filepath.Join(s.dir, id+".json"))
	if gone := os.Remove(s.image(id)); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// draft is the path of a copy that has no snapshot id yet.
func (s *store) draft(volume string) string {
	return filepath.Join(s.dir, "draft-"+strings.ReplaceAll(filepath.Base(volume), ".", "")+"-"+rand.Text())
}
