package custody

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/firebreak-ir/firebreak/custody/attest"
	"github.com/firebreak-ir/firebreak/custody/bagit"
	"github.com/firebreak-ir/firebreak/custody/rfc3161"
)

// write puts the files of the seal in their places, that of the tag files last, and then enters the seal in the log. A kill
// between any two of these leaves a case that is not sealed as it stands, which the next attempt seals.
func (s *sealing) write() (Seal, error) {
	tags := s.outside
	for _, name := range tagFiles() {
		if content := s.files[name]; content != nil {
			tags = append(tags, hashed(name, content))
		}
	}
	s.files[bagit.TagManifestName] = bagit.Write(sortFiles(tags))
	scratch, err := s.c.Scratch(By{Step: "seal", Key: "seal"})
	if err != nil {
		return Seal{}, err
	}
	for _, name := range append(append([]string{CaseName}, tagFiles()...), bagit.TagManifestName) {
		if err := s.replace(scratch, name); err != nil {
			return Seal{}, fmt.Errorf("seal: %q: %w", name, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(s.c.dir, scratchName)); err != nil {
		return Seal{}, fmt.Errorf("remove scratch: %w", err)
	}
	tag := hashed(bagit.TagManifestName, s.files[bagit.TagManifestName])
	entry := Entry{By: s.by, Time: s.at, Action: Sealed, Text: s.seal.SHA256, Item: Item{
		Path: tag.Path, Kind: "tag manifest", SHA256: tag.SHA256, Size: int64(len(s.files[bagit.TagManifestName])),
	}}
	if err := s.c.append(entry); err != nil {
		return Seal{}, err
	}
	if s.entries, err = s.c.Log(); err != nil {
		return Seal{}, err
	}
	return s.finished(), nil
}

// replace writes one file whole or not at all. One that this seal has not is removed: it was of a former seal.
func (s *sealing) replace(scratch, name string) error {
	target := filepath.Join(s.c.dir, filepath.FromSlash(name))
	content := s.files[name]
	if content == nil {
		return s.c.disk.remove(target)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	temp := filepath.Join(scratch, filepath.Base(name))
	if err := s.c.disk.write(temp, content); err != nil {
		return err
	}
	if err := s.c.disk.sync(temp); err != nil {
		return err
	}
	if err := s.c.disk.rename(temp, target); err != nil {
		return err
	}
	return syncUp(s.c.disk, s.c.dir, filepath.Dir(target))
}

// intact tells whether the case is sealed as it is, and signed as it would be now. It takes over what stands.
func (s *sealing) intact() bool {
	n := len(s.entries)
	if n == 0 || s.entries[n-1].Action != Sealed || s.entries[n-1].Text != s.seal.SHA256 {
		return false
	}
	tags, err := s.read(bagit.TagManifestName)
	if err != nil || hashed("", tags).SHA256 != s.entries[n-1].Item.SHA256 {
		return false
	}
	files, err := bagit.Parse(tags)
	if err != nil {
		return false
	}
	standing := map[string][]byte{}
	for _, f := range files {
		if !slices.Contains(tagFiles(), f.Path) {
			continue // evidence of a former version
		}
		content, err := s.read(f.Path)
		if err != nil || hashed("", content).SHA256 != f.SHA256 {
			return false
		}
		standing[f.Path] = content
	}
	return s.take(standing)
}

// take takes over the files of a seal that stands, unless it is signed otherwise.
func (s *sealing) take(standing map[string][]byte) bool {
	envelope, err := attest.ParseEnvelope(standing[StatementName])
	if err != nil {
		return false
	}
	by := ""
	for _, signature := range envelope.Signatures {
		by = signature.KeyID
	}
	if want := attest.Seal(nil, s.Key).Signatures; len(want) > 0 && want[0].KeyID != by {
		return false
	}
	maps.Copy(s.files, standing)
	s.seal.SignedBy, s.seal.Statement = by, hashed("", standing[StatementName]).SHA256
	return true
}

func (s *sealing) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.c.dir, filepath.FromSlash(name)))
}

// finished is what the caller is told.
func (s *sealing) finished() Seal {
	if r, err := rfc3161.Parse(s.files[TimestampName]); err == nil {
		s.seal.Stamped = r.Time
	}
	s.seal.Head = s.entries[len(s.entries)-1].Hash
	return s.seal
}
