package inventory

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/firebreak-ir/firebreak/forensics/volume"
)

// plain scans any file system through its Walk, one entry after the other.
type plain struct {
	disk    volume.FS
	opts    Options
	sink    *sink
	names   twins
	at      fs.DirEntry // the entry that is gathered
	entry   Entry
	info    fs.FileInfo
	hashed  map[uint64]digest // of files with more than one name
	buffers *buffers
	budget  budget
}

const maxDigests = 1 << 16 // of files with several names that are remembered; further ones are hashed again

func plainScan(disk volume.FS, opts Options, s *sink) error {
	p := &plain{disk: disk, opts: opts, sink: s, hashed: map[uint64]digest{}, buffers: &buffers{}, budget: opts.budget()}
	err := disk.Walk(".", p.visit)
	if err == nil {
		err = p.flush()
	}
	return err
}

// visit gathers what a walk says of one entry: what is wrong with it, itself, and what is wrong with its list.
func (p *plain) visit(path string, d fs.DirEntry, wrong error) error {
	if d != p.at || d == nil {
		if err := p.flush(); err != nil {
			return err
		}
		p.begin(path, d)
	}
	if wrong != nil {
		p.entry.addProblem(wrong.Error())
	}
	return nil
}

func (p *plain) begin(path string, d fs.DirEntry) {
	p.at, p.entry, p.info = d, Entry{Path: path, cursor: p.names.cursor(path)}, nil
	if d == nil {
		return
	}
	info, err := d.Info()
	if err != nil { // the walk says so as well
		return
	}
	p.info = info
	p.entry.Stat, _ = volume.StatOf(info)
	if p.entry.Stat.Mode&volume.TypeMask == volume.TypeLink {
		if p.entry.Target, err = p.disk.ReadLink(path); err != nil {
			p.entry.addProblem(err.Error())
		}
	}
}

// flush hands on the entry that was gathered.
func (p *plain) flush() error {
	e := p.entry
	if e.Path == "" {
		return nil
	}
	refused := p.budget.refuses(&e.Stat)
	if p.sink.skips(e.Cursor()) {
		return nil
	}
	if p.opts.wants(e) {
		p.addHash(&e, refused)
	}
	return p.sink.take(e)
}

// wants tells whether the bytes of an entry are to be hashed.
func (o Options) wants(e Entry) bool {
	return o.Hash && e.Stat.Mode&volume.TypeMask == volume.TypeRegular && (o.Keep == nil || o.Keep(e))
}

func (p *plain) addHash(e *Entry, refused string) {
	if refused != "" {
		e.addProblem(refused)
		return
	}
	known, ok := p.hashed[e.Stat.Inode]
	if !ok {
		known = p.hash(e.Stat)
		if e.Stat.Links > 1 && len(p.hashed) < maxDigests {
			p.hashed[e.Stat.Inode] = known
		}
	}
	known.into(e)
}

func (p *plain) hash(stat volume.Stat) digest {
	f, err := p.disk.OpenFound(p.info)
	if err != nil {
		return digest{problem: err.Error()}
	}
	defer func() { _ = f.Close() }() // it was only read
	file, ok := f.(volume.File)
	if !ok {
		return digest{problem: fmt.Sprintf("inode %d: it is no regular file", stat.Inode)}
	}
	return hashFile(p.sink.ctx, file, stat.Size, p.buffers)
}

func (e *Entry) addProblem(what string) {
	if what != "" && e.Problem != "" {
		what = e.Problem + "; " + what
	}
	if what != "" {
		e.Problem = what
	}
}

// twins tells the entries of one directory apart that have the same name, as only a damaged one has.
type twins struct {
	names  []string // of the last entry, and of all above it
	counts []int
}

// cursor is empty where the path says all.
func (t *twins) cursor(path string) string {
	depth := strings.Count(path, "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	if depth < len(t.names) && t.names[depth] == name {
		t.counts[depth]++
	} else {
		t.names, t.counts = append(t.names[:min(depth, len(t.names))], name), append(t.counts[:min(depth, len(t.counts))], 0)
	}
	t.names, t.counts = t.names[:depth+1], t.counts[:depth+1]
	return mark(t.names, t.counts)
}

func mark(names []string, counts []int) string {
	var b strings.Builder
	marked := false
	for i, name := range names {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(name)
		if counts[i] > 0 { // no name holds a zero byte
			marked = true
			b.WriteString("\x00" + strconv.Itoa(counts[i]))
		}
	}
	if !marked {
		return ""
	}
	return coded(b.String())
}
