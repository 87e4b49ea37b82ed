package custody

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"

	"github.com/firebreak-ir/firebreak/custody/bagit"
)

// seal checks what the last seal wrote. One of a former version wrote a manifest alone.
func (v *verifier) seal() {
	if v.sealed < 0 {
		v.known[ManifestName] = true
		return
	}
	seal := v.entries[v.sealed]
	if seal.Item == (Item{}) {
		v.former(seal)
		return
	}
	b := &sealedBag{v: v, files: map[string][]byte{}, tags: map[string]string{}}
	b.load()
	b.tagManifest(seal.Item)
	b.manifest(seal.Text)
	b.declaration()
	b.info()
	b.statement()
	b.timestamp()
}

// former checks the manifest of a version that wrote no bag: it names every file, wherever it lies.
func (v *verifier) former(seal Entry) {
	v.notice("the case was sealed by a former version, without a statement and as no BagIt bag")
	v.known[ManifestName] = true
	raw, err := v.folder.text(ManifestName)
	if err != nil {
		v.unread(ManifestName, err)
		return
	}
	if hashed("", raw).SHA256 == seal.Text {
		return
	}
	var files []bagit.File
	for _, item := range added(v.before()) {
		files = append(files, bagit.File{Path: item.Path, SHA256: item.SHA256})
	}
	v.rewritten(ManifestName, raw, bagit.Write(files), seal.Text, "is not the one that was sealed")
}

// rewritten reports a file that has another hash than it had. Where what it should be can be written again, the first byte
// that is another is known.
func (v *verifier) rewritten(name string, raw, again []byte, want, text string) {
	p := Problem{File: name, Offset: -1, Text: text}
	if again != nil && hashed("", again).SHA256 == want {
		p.Offset = differ(raw, again)
		p.Line = bytes.Count(again[:p.Offset], []byte("\n")) + 1
	}
	v.wrong(p)
}

// sealedBag is the bag that a seal wrote, while it is checked.
type sealedBag struct {
	v       *verifier
	files   map[string][]byte // what lies there
	tags    map[string]string // the hashes of the tag files that the tag manifest says
	payload []bagit.File

	organization, agent string // as the bag's description says
}

func (b *sealedBag) load() {
	for _, name := range append(append([]string{CaseName}, tagFiles()...), bagit.TagManifestName) {
		raw, err := b.v.folder.text(name)
		switch {
		case err == nil:
			b.files[name] = raw
		case name != TimestampName && name != CaseName || !errors.Is(err, fs.ErrNotExist):
			b.v.unread(name, err)
		}
		if name != CaseName {
			b.v.known[name] = true
		}
	}
}

// manifest holds the payload's manifest against the log's seal and the log's files.
func (b *sealedBag) manifest(want string) {
	raw := b.files[ManifestName]
	if raw == nil {
		return
	}
	files, err := bagit.Parse(raw)
	b.payload = files
	if hashed("", raw).SHA256 != want || !b.is(ManifestName) {
		b.v.rewritten(ManifestName, raw, b.manifestAgain(want), want, "is not the one that was sealed")
	}
	b.malformed(ManifestName, err)
	for _, f := range files {
		if !strings.HasPrefix(f.Path, bagit.Payload) {
			b.v.file(ManifestName, "names %q, which is no payload", f.Path)
		}
		b.v.want(f.Path, ManifestName, f.SHA256, -1)
	}
	b.unlisted(files)
}

// manifestAgain writes the manifest from the log. The hash of the case file, which the log does not know, is taken from the
// file, else from the manifest's own line.
func (b *sealedBag) manifestAgain(want string) []byte {
	candidates := []string{hashed("", b.files[CaseName]).SHA256}
	for _, f := range b.payload {
		if f.Path == CaseName {
			candidates = append(candidates, f.SHA256)
		}
	}
	for _, sum := range candidates {
		inside, _ := payload(added(b.v.before()), sum)
		if again := bagit.Write(inside); hashed("", again).SHA256 == want {
			return again
		}
	}
	return nil
}

// unlisted: what the log had before the seal must be in a manifest.
func (b *sealedBag) unlisted(files []bagit.File) {
	listed := map[string]bool{}
	for _, f := range files {
		listed[f.Path] = true
	}
	for name := range b.tags {
		listed[name] = true
	}
	for _, item := range added(b.v.before()) {
		if !listed[item.Path] {
			b.v.file(ManifestName, "does not name %q, which is in the custody log", item.Path)
		}
	}
}
