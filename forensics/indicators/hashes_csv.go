package indicators

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// columnsOf gives the columns of a header that hold hashes.
func columnsOf(header []string) []int {
	var out []int
	for i, name := range header {
		name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"#`))
		name = strings.NewReplacer("-", "", "_", "", " ", "").Replace(name)
		if slices.Contains([]string{"sha256", "sha1", "md5", "hash", "sha256hash", "sha1hash", "md5hash", "sha256sum", "filehash"}, name) {
			out = append(out, i)
		}
	}
	return out
}

// readCSV reads the rows behind a header. A row gives each of its hashes.
func (f *hashFile) readCSV(in io.Reader, header int, text string) error {
	columns := columnsOf(strings.Split(text, ","))
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.Comment, r.ReuseRecord, r.LazyQuotes = -1, '#', true, true
	r.TrimLeadingSpace = true
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			f.problem(header+syntax.Line, "%v", syntax.Err)
			continue
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		f.row(header+line, row, columns)
		if f.into.Len() > maxEntries {
			return fmt.Errorf("%s:%d: more than %d hashes", f.name, header+line, maxEntries)
		}
	}
}

func (f *hashFile) row(line int, row []string, columns []int) {
	found := false
	for _, i := range columns {
		if i >= len(row) {
			continue
		}
		if digits := strings.TrimSpace(row[i]); digits != "" {
			found = true
			f.hash(line, digits)
		}
	}
	if !found {
		f.problem(line, "the row has no hash")
	}
}
