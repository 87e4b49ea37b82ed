package layout

import (
	"strings"
	"unicode/utf8"
)

// indent is how much deeper a block stands than the one around it.
const indent = 2

// writer collects the lines of the new text.
type writer struct {
	lines []string
	shut  bool // a blank line here would belong to the text above
}

func (d *document) write() []byte {
	w := &writer{}
	w.remarks(d.header, 0)
	d.root.first(d.apart)
	d.root.ordered = false
	w.block(d.root, 0, false)
	return []byte(strings.Join(w.lines, "\n") + "\n")
}

func (w *writer) add(line string) {
	w.lines, w.shut = append(w.lines, line), false
}

// more writes behind the last line.
func (w *writer) more(text string) { w.lines[len(w.lines)-1] += text }

func (w *writer) width() int { return utf8.RuneCountInString(w.lines[len(w.lines)-1]) }

func (w *writer) blank(wanted bool) {
	if wanted && !w.shut && len(w.lines) > 0 && w.lines[len(w.lines)-1] != "" {
		w.add("")
	}
}

func (w *writer) remarks(comments []comment, col int) {
	for _, c := range comments {
		w.blank(c.blank)
		w.add(pad(col) + c.text)
	}
}

func pad(n int) string { return strings.Repeat(" ", max(n, 0)) }

// block writes the items; inline means that the first one stands behind a dash that is written already.
func (w *writer) block(b *block, col int, inline bool) {
	if b.ordered {
		b.first(false)
	}
	apart := false
	for i, it := range b.items {
		if apart {
			it.separate()
		}
		it.hoist(b)
		if i > 0 || !inline {
			w.remarks(it.lead, col)
			w.blank(it.blank)
			w.add(pad(col))
		}
		w.item(b, i, col)
		apart = len(it.foot) > 0
	}
	w.remarks(b.foot, col)
}

func (w *writer) item(b *block, i, col int) {
	it := b.items[i]
	w.more(it.key + mark(b))
	switch {
	case it.block != nil:
		w.inside(b, it, col)
	case it.leaf != nil && (b.isList && it.behind.text == "" && len(it.above) == 0 || !it.below):
		w.more(pad(b.gap(i)))
		w.leaf(it.leaf, col)
	case it.leaf != nil:
		w.trail(it.behind)
		w.remarks(it.above, col+indent)
		w.add(pad(col + indent))
		w.leaf(it.leaf, col)
	}
	w.trail(it.trail)
	w.remarks(it.inner, col+indent)
	w.remarks(it.foot, col)
}

func mark(b *block) string {
	if b.isList {
		return "-"
	}
	return ":"
}

// inside writes a block below its key, or behind its dash.
func (w *writer) inside(b *block, it *item, col int) {
	if it.inline(b) {
		w.more(" ")
		w.block(it.block, col+indent, true)
		return
	}
	w.trail(it.behind)
	w.block(it.block, col+indent, false)
}

func (w *writer) trail(t trail) {
	if t.text == "" {
		return
	}
	w.more(pad(max(t.gap, 1)))
	col := w.width()
	w.more(t.text)
	for _, line := range t.more {
		w.add(pad(col) + line)
	}
}

// leaf writes a value behind its key; col is the column of the block around it.
func (w *writer) leaf(l *leaf, col int) {
	w.more(l.lines[0])
	for _, line := range l.lines[1:] {
		w.add(l.shifted(line, col))
	}
	for range l.ends {
		w.add("")
	}
	w.shut = l.keeps
}

// shifted gives a further line of a value its new indent.
func (l *leaf) shifted(line string, col int) string {
	text := strings.TrimLeft(line, " \t")
	switch {
	case l.literal && line == "", !l.literal && text == "":
		return ""
	case l.literal && l.fixed:
		return pad(col+l.own-l.parent) + line
	case l.literal:
		return pad(col+indent) + line
	case l.flow:
		return pad(max(len(line)-len(text)-l.parent, 0)+col) + text
	}
	return pad(max(len(line)-len(text)-l.parent, indent)+col) + text
}
