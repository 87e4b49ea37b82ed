package layout

// level is a place for comments that stand below something and deeper than what follows.
type level struct {
	col  int
	foot *[]comment
}

// levels gives the places below an item, from the outermost to the innermost.
func (it *item) levels() []level {
	var out []level
	for ; it.block != nil; it = it.block.last {
		out = append(out, level{max(it.block.col, it.col+1), &it.block.foot}) // a list may stand right below its key
	}
	if it.leaf == nil || !it.leaf.literal { // a deeper line would be part of a block of text
		out = append(out, level{it.col + 1, &it.inner})
	}
	return out
}

// hang gives the comments between two items to what they are about: to the line that they follow, to the block that
// they end, to the item before, or to the item after, which begins in column col and is nil at the end of the file.
func (s *scanner) hang(before, after *item, t trivia, col int) {
	if s.last != nil {
		s.last.trail = t.trail
		t.own = s.last.trail.continued(t.own, col)
	}
	levels := before.levels()
	rest := t.own
	for len(rest) > 0 && rest[0].col > col {
		at := deepest(levels, rest[0].col)
		if at < 0 {
			break
		}
		*levels[at].foot = append(*levels[at].foot, rest[0])
		levels, rest = levels[:at+1], rest[1:]
	}
	if after == nil {
		before.block.foot = append(before.block.foot, rest...)
		return
	}
	n := footing(rest, t.blank)
	before.foot = append(before.foot, rest[:n]...)
	after.lead, after.blank = rest[n:], t.blank
}

// deepest gives the innermost level that a comment in that column can belong to; -1 without levels.
func deepest(levels []level, col int) int {
	for i := len(levels) - 1; i > 0; i-- {
		if levels[i].col <= col {
			return i
		}
	}
	return min(len(levels), 1) - 1
}

// footing counts the comments that follow the line above without a blank line and are cut off from the line below by one.
func footing(comments []comment, blank bool) int {
	if len(comments) == 0 || comments[0].blank {
		return 0
	}
	for i, c := range comments {
		if i > 0 && c.blank {
			return i
		}
	}
	if blank {
		return len(comments)
	}
	return 0
}

// continued takes the comments that stand exactly below this one, and gives the others.
func (t *trail) continued(own []comment, col int) []comment {
	for t.text != "" && len(own) > 0 && !own[0].blank && own[0].col == t.col && own[0].col > col {
		t.more, own = append(t.more, own[0].text), own[1:]
	}
	return own
}
