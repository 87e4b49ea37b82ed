package layout

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

// document is a file with all that stands in it.
type document struct {
	header []comment // also directives and `---`
	apart  bool      // a blank line follows the header
	root   *block
}

// block is a map or a list that is written in lines of its own.
type block struct {
	col     int
	items   []*item
	last    *item // as they stand in the file
	foot    []comment
	isList  bool
	ordered bool // its items do not stand in their order in the file
}

// item is an entry of a map or an item of a list.
type item struct {
	lead   []comment
	blank  bool
	col    int
	key    string // as written; of a map
	name   string // as read
	behind trail  // the comment behind the key or the dash, when the value begins in another line
	above  []comment
	block  *block
	leaf   *leaf // neither: nothing stands there
	below  bool  // the leaf begins in a line of its own
	gap    int   // blanks between key and leaf
	trail  trail
	inner  []comment // below the value and deeper than the item
	foot   []comment // below, with a blank line behind
}

// document reads the whole text. It is nil for a file that is one scalar or one {…}.
func (s *scanner) document(root *syntax.Node) *document {
	doc := &document{}
	t := s.head(doc)
	if !s.reach(root) {
		return nil
	}
	c := other
	if kind := root.Get("kind"); kind != nil && kind.Text == "Playbook" {
		c = top
	}
	if doc.root = s.block(root, c, t); doc.root == nil {
		return nil
	}
	s.tail(doc)
	return doc
}

// head reads up to the first key. A comment right above that key belongs to the file, unless a blank line stands
// between it and another comment above.
func (s *scanner) head(doc *document) trivia {
	t := s.next()
	all := t.own
	for s.at("---") || s.here() == '%' && s.col == 0 {
		text := "---"
		if s.here() == '%' {
			text = trimmed(s.lines[s.line])
		}
		all = append(all, comment{text: text, blank: t.blank && len(all) > 0})
		s.col = len([]rune(text))
		t = s.next()
		if t.trail.text != "" {
			all[len(all)-1].text += " " + t.trail.text
		}
		all = append(all, t.own...)
	}
	doc.header, doc.apart = all, t.blank && len(all) > 0
	first := trivia{}
	if at := lastBlank(all); at > 0 && !t.blank {
		doc.header, doc.apart, first.own = all[:at], true, all[at:]
	}
	return first
}

// lastBlank gives the index of the last run of comments that has a blank line above.
func lastBlank(all []comment) int {
	for i := len(all) - 1; i > 0 && all[i].text[0] == '#'; i-- {
		if all[i].blank {
			return i
		}
	}
	return 0
}

// tail reads what follows the last token. The mark of the document's end says nothing, and goes.
func (s *scanner) tail(doc *document) {
	t := s.next()
	if s.at("...") {
		s.col = 3
		more := s.next()
		if more.trail.text != "" {
			t.own = append(t.own, comment{text: more.trail.text, blank: t.blank})
		}
		t.own = append(t.own, more.own...)
	}
	if !s.end() {
		s.fail()
	}
	outermost := &item{block: doc.root, col: -1}
	s.hang(outermost, nil, t, -1)
}

// block reads a map or list that is written in lines of its own; nil for any other value.
func (s *scanner) block(n *syntax.Node, c context, t trivia) *block {
	b := &block{col: s.col}
	switch {
	case n.Kind == syntax.Map && s.here() != '{':
		s.entries(b, n, c, t)
	case n.Kind == syntax.List && s.here() == '-':
		b.isList = true
		s.items(b, n, c.item(), t)
	default:
		return nil
	}
	return b
}

func (s *scanner) entries(b *block, n *syntax.Node, c context, t trivia) {
	for i, e := range n.Entries {
		it := s.item(b, i, t)
		if !s.reach(e.Key) {
			return
		}
		it.name, it.key = e.Key.Text, s.scalar(e.Key, b.col).lines[0]
		if s.next().below || marker(it.key) || !s.take(':') {
			s.fail()
			return
		}
		s.value(it, e.Value, c.under(it.name))
	}
	b.sort(c.order())
}

// marker tells whether a key looks like the mark of a document's begin or end where it has no indent.
func marker(key string) bool { return strings.HasPrefix(key, "---") || strings.HasPrefix(key, "...") }

func (s *scanner) items(b *block, n *syntax.Node, c context, t trivia) {
	for i, value := range n.Items {
		it := s.item(b, i, t)
		if !s.take('-') {
			return
		}
		s.value(it, value, c)
	}
}

// item begins the next item of a block; t is what stands above the first one.
func (s *scanner) item(b *block, i int, t trivia) *item {
	it := &item{}
	if i > 0 {
		t = s.next()
		s.hang(b.items[i-1], it, t, s.col)
	} else {
		it.lead, it.blank = t.own, t.blank
	}
	it.col = s.col
	b.items, b.last = append(b.items, it), it
	return it
}

// value reads what stands behind a key or a dash.
func (s *scanner) value(it *item, n *syntax.Node, c context) {
	if n.Kind == syntax.Null && n.Text == "" || s.problem != nil {
		s.last = it
		return
	}
	from := s.col
	t := s.next()
	if !s.reach(n) {
		return
	}
	it.behind, it.gap = t.trail, s.col-from
	t.own = it.behind.continued(t.own, s.col)
	if it.block = s.block(n, c, t); it.block != nil {
		return
	}
	it.above, it.below = t.own, t.below
	it.leaf = s.leaf(n, c, it.col)
	s.last = it
}

// sort puts the entries in order.
func (b *block) sort(order []string) {
	compare := func(x, y *item) int { return rank(x.name, order) - rank(y.name, order) }
	b.ordered = !slices.IsSortedFunc(b.items, compare)
	slices.SortStableFunc(b.items, compare)
}

func rank(name string, order []string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}
