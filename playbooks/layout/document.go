package layout

import "github.com/firebreak-ir/firebreak/playbooks/syntax"

// document is a file with all that stands in it.
type document struct {
	header []comment // also directives and `---`
	apart  bool      // a blank line follows the header
	root   *block
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
