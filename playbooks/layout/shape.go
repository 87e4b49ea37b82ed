package layout

import "unicode/utf8"

// first says whether a blank line stands above the block's first item.
func (b *block) first(blank bool) {
	it := b.items[0]
	it.blank = it.blank && len(it.lead) > 0
	if len(it.lead) > 0 {
		it.lead[0].blank = blank
		return
	}
	it.blank = blank
}

// separate puts a blank line between the item and the comment above, which is about another one.
func (it *item) separate() {
	if len(it.lead) > 0 {
		it.lead[0].blank = true
		return
	}
	it.blank = true
}

// hoist takes what stands above the first key of a list's item out of it, so that the key can stand behind the dash.
func (it *item) hoist(b *block) {
	if !it.inline(b) {
		return
	}
	first := it.block.items[0]
	if it.block.ordered {
		it.block.first(false)
	}
	first.hoist(it.block)
	if len(first.lead) > 0 {
		first.lead[0].blank = first.lead[0].blank || it.blank
		it.blank = false
	}
	it.lead, first.lead, first.blank = append(it.lead, first.lead...), nil, false
}

// inline tells whether the item's block begins behind its dash.
func (it *item) inline(b *block) bool { return it.block != nil && b.isList && it.behind.text == "" }

// gap gives the blanks between a key and its value: one, or as many as line it up with the value above or below.
func (b *block) gap(i int) int {
	if b.isList {
		return 1
	}
	at := func(i int) int {
		if i < 0 || i >= len(b.items) || b.items[i].leaf == nil || b.items[i].below {
			return 0
		}
		return utf8.RuneCountInString(b.items[i].key) + b.items[i].gap
	}
	if here := at(i); here == at(i-1) || here == at(i+1) {
		return max(b.items[i].gap, 1)
	}
	return 1
}
