package timeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// history reads what shells keep of the commands that were typed. bash writes #1700000000 before a command when
// HISTTIMEFORMAT is set, zsh ": 1700000000:0;command". A command without a time is in no timeline; how many there are is a
// problem of the report.
func (l *logReader) history(about Event) func(log *logFile) error {
	return func(log *logFile) error {
		var at time.Time
		untimed, own := 0, false
		err := log.eachLine(maxRead, func(line string, length int) error {
			if moment, ok := bashTime(line); ok {
				at, own = moment, true
				return nil
			}
			moment, command, ok := zshTime(line)
			if !ok {
				moment, command = at, line
			}
			ok, own = ok || own, false
			if moment.IsZero() {
				untimed++
				return nil
			}
			e := about
			e.Time, e.What, e.Source, e.File = moment, "Command Execution Time", History, "/"+log.name
			e.Message = whole(command, int64(len(command)+length-len(line)))
			if !ok {
				e.Note = "the time of the command before it"
			}
			return l.give(&e)
		})
		if untimed > 0 {
			l.problem(log.name, fmt.Errorf("%d commands have no time: they are in the file alone", untimed))
		}
		return err
	}
}

func bashTime(line string) (time.Time, bool) {
	digits, ok := strings.CutPrefix(line, "#")
	return unixText(digits, ok)
}

func zshTime(line string) (time.Time, string, bool) {
	rest, ok := strings.CutPrefix(line, ": ")
	head, command, cut := strings.Cut(rest, ";")
	digits, _, colon := strings.Cut(head, ":")
	at, number := unixText(digits, ok && cut && colon)
	return at, command, number
}

// unixText reads seconds since 1970, as many as shells can have lived through.
func unixText(digits string, ok bool) (time.Time, bool) {
	if !ok || len(digits) < 9 || len(digits) > 12 {
		return time.Time{}, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}
