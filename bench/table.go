package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// writeTable writes the page that the documentation shows.
func writeTable(name string, rows []row) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Written by `+"`make bench`"+` on %s: %d cores, %s/%s, %s, the lab's Temporal on the store that the table names. Every number is of one run of that command; ratios
compare two things that were run in turns. The machine is shared, so times vary; ratios less so.

To repeat it:

`+"```sh\nmake bench\n```"+`

| What | On | Measured | Wanted | |
|---|---|---|---|---|
`, time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	for _, r := range rows {
		word := "holds"
		switch {
		case r.limit == "":
			word = ""
		case !r.holds:
			word = "**does not hold**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.what, r.store, r.value, r.limit, word)
	}
	return os.WriteFile(name, []byte(b.String()), 0o644)
}
