package layout

import (
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

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
