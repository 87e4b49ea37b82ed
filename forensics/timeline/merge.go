package timeline

import (
	"bufio"
	"container/heap"
	"fmt"
	"io"
	"os"
)

// runs is a heap with the file on top whose line is the next.
type runs []*run

func (r runs) Len() int      { return len(r) }
func (r runs) Swap(i, j int) { r[i], r[j] = r[j], r[i] }

// Push puts one on: heap asks for it, and nothing here does.
func (r *runs) Push(x any) { *r = append(*r, x.(*run)) }

func (r runs) Less(i, j int) bool { return r[i].key.compare(r[j].key) < 0 }

// Pop takes the last one off.
func (r *runs) Pop() any {
	last := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return last
}

// mergeRuns gives the lines of all files in order.
func mergeRuns(files []*os.File, do func(k key, line []byte) error) error {
	var all runs
	for _, f := range files {
		one := &run{r: bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 32<<10)}
		more, err := one.next()
		if err != nil {
			return fmt.Errorf("read a scratch file: %w", err)
		}
		if more {
			all = append(all, one)
		}
	}
	heap.Init(&all)
	for len(all) > 0 {
		first := all[0]
		if err := do(first.key, first.line); err != nil {
			return err
		}
		more, err := first.next()
		if err != nil {
			return fmt.Errorf("read a scratch file: %w", err)
		}
		if more {
			heap.Fix(&all, 0)
		} else {
			heap.Pop(&all)
		}
	}
	return nil
}
