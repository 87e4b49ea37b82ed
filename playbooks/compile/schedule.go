package compile

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/firebreak-ir/firebreak/playbooks/plan"
	"github.com/firebreak-ir/firebreak/playbooks/syntax"
)

func (c *compiler) schedule(m *syntax.Mapping) *plan.ScheduleTrigger {
	t := &plan.ScheduleTrigger{Cron: m.RequiredText("cron"), Timezone: m.Text("timezone"), Overlap: "skip", Catchup: 15 * time.Minute}
	if why := wrongTable(t.Cron); t.Cron != "" && why != "" {
		c.reader.Report(m.Optional("cron"), "cron", "%q is no time table: %s", t.Cron, why)
	}
	if n := m.Optional("timezone"); t.Timezone != "" {
		if _, err := time.LoadLocation(t.Timezone); err != nil || t.Timezone == "Local" {
			c.reader.Report(n, "timezone", "%q is no time zone; use a name of the IANA database, such as Europe/Berlin", t.Timezone)
		}
	}
	t.Jitter = m.Duration("jitter", time.Second, 24*time.Hour)
	if word := m.OneOf("overlap", "skip", "buffer_one", "cancel_other", "allow_all"); word != "" {
		t.Overlap = word
	}
	if m.Has("catchup") {
		t.Catchup = m.Duration("catchup", 10*time.Second, 31*24*time.Hour)
	}
	m.Done()
	return t
}

// wrongTable says what is wrong with a time table of cron; "" when nothing is. Clocks differ in what they make of the two
// kinds of days together: in some either of them is enough.
func wrongTable(text string) string {
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return "it needs five fields: minute, hour, day of month, month, day of week, such as \"0 10 * * TUE\""
	}
	table, err := cron.ParseStandard(text)
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "failed to parse int"):
		return "a field is neither a number nor a short name, such as TUE or JAN"
	case err != nil:
		return strings.ReplaceAll(err.Error(), "\n", " ")
	case strings.Contains(text, "?"):
		return "write * for ?"
	case fields[2] != "*" && fields[4] != "*":
		return "it has days of the month and days of the week; make two triggers of them"
	case table.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		return "the day never comes"
	}
	return ""
}

// drill reads what only a schedule's trigger has: the mode of its runs, and the alert that opens them.
func (c *compiler) drill(m *syntax.Mapping, t *plan.Trigger) {
	t.Mode = plan.Mode(m.OneOf("mode", string(plan.Live), string(plan.Drill)))
	n := m.Optional("alert")
	if t.Schedule == nil {
		if n != nil {
			c.reader.Report(n, "trigger", "the alert comes from the source of this trigger; only a schedule names a file with one")
		}
		if mode := m.Optional("mode"); mode != nil {
			c.reader.Report(mode, "trigger", "only a schedule can say in which mode its runs are")
		}
		return
	}
	if n == nil {
		c.reader.Report(m.Node(), "missing-key", "a schedule needs \"alert\", a file with the alert that opens its runs")
		return
	}
	t.Alert = c.alertFile(n)
}
