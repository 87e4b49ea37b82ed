package syntax

import "strings"

// Nearest gives the name among names that was probably meant, or "" when none is close.
func Nearest(name string, names []string) string {
	best, distance := "", 1+len(name)/3
	for _, candidate := range names {
		if strings.EqualFold(candidate, name) {
			return candidate
		}
		if d := edits(name, candidate); d <= distance && d < len(candidate) {
			best, distance = candidate, d-1
		}
	}
	return best
}

// DidYouMean ends a sentence about an unknown name: with the nearest one, or with all when they are few.
func DidYouMean(name string, names []string) string {
	if near := Nearest(name, names); near != "" {
		return "; did you mean \"" + near + "\"?"
	}
	if len(names) == 0 || len(names) > 20 {
		return ""
	}
	return "; there is " + strings.Join(names, ", ")
}

// edits counts the insertions, deletions, replacements and swaps of neighbours between two words.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return len(x) + len(y)
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			rows[i][j] = step(rows, x, y, i, j)
		}
	}
	return rows[len(x)][len(y)]
}

func step(rows [][]int, x, y []rune, i, j int) int {
	cost := 1
	if x[i-1] == y[j-1] {
		cost = 0
	}
	d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
	if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
		d = min(d, rows[i-2][j-2]+1)
	}
	return d
}
