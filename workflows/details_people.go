package workflows

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/firebreak-ir/firebreak/activities"
)

// moment is how times stand in the page.
const moment = "2006-01-02 15:04:05Z"

// shownBytes is how much of what is shown stands in the page; details are cut at 20,000 bytes.
const shownBytes = 8000

// writeQuestions says what people are asked, and what they see, before anything else.
func (c *incident) writeQuestions(w *strings.Builder) {
	for _, q := range c.State.Questions {
		fmt.Fprintf(w, "**Asks at %s**: %s\n\nAsked are %s; to choose from: %s.", Markdown(q.Step), Markdown(q.Title),
			askedText(q), Markdown(strings.Join(q.Choices, ", ")))
		if !q.Deadline.IsZero() {
			fmt.Fprintf(w, " Until %s.", q.Deadline.UTC().Format(moment))
		}
		fmt.Fprintf(w, " Answer with `firebreak approve %s %s --choice …`.\n\n", c.State.Case, strings.ReplaceAll(q.Step, "`", ""))
		for _, v := range q.Votes {
			fmt.Fprintf(w, "- %s: %s %s\n", Markdown(v.By), Markdown(v.Choice), Markdown(v.Comment))
		}
		if q.Shown != nil {
			fmt.Fprintf(w, "\n```json\n%s\n```\n\n", fenced(q.Shown, shownBytes/len(c.State.Questions)))
		}
	}
}

// askedText says who may answer, and how many of them must agree.
func askedText(q *Question) string {
	var list []string
	for _, circle := range q.Of {
		text := Markdown(circle.Name)
		var rules []string
		if people := slices.Concat(circle.Groups, circle.Subjects); len(people) > 0 {
			rules = append(rules, Markdown(strings.Join(people, ", ")))
		}
		if circle.Quorum > 1 {
			rules = append(rules, fmt.Sprintf("%d must agree", circle.Quorum))
		}
		if circle.NotRequester {
			rules = append(rules, "not whoever asked for it")
		}
		if len(rules) > 0 {
			text += " (" + strings.Join(rules, "; ") + ")"
		}
		list = append(list, text)
	}
	if len(list) == 0 { // a run that an older interpreter began
		return Markdown(strings.Join(q.Circles, ", "))
	}
	return strings.Join(list, ", ")
}

// fenced writes a value as JSON that cannot end the fence around it.
func fenced(value any, most int) string {
	raw, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return ""
	}
	text := strings.ReplaceAll(string(raw), "`", "'")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "\n… cut; `firebreak approvals` shows all of it"
	}
	return text
}

// shownDecisions is how many of the last decisions the table holds: details are cut at 20,000 bytes.
const shownDecisions = 40

// writeDecided lists who decided what and why: an auditor reads it long after. Where nobody did, it says so.
func (c *incident) writeDecided(w *strings.Builder) {
	all := c.State.Decided
	if len(all) == 0 {
		return
	}
	w.WriteString("**What was decided**")
	if c.in.Authority == nil {
		w.WriteString(" (nobody proved who they are: the case knows no keys)")
	} else {
		w.WriteString(" (each person's signature stands with their update in the event history)")
	}
	if first := max(len(all)-shownDecisions, 0); first > 0 {
		fmt.Fprintf(w, ". The last %d of %d decisions", shownDecisions, len(all))
		all = all[first:]
	}
	w.WriteString(":\n\n| When | Who | What it was about | Decision, and why |\n|---|---|---|---|\n")
	for _, d := range all {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", d.At.UTC().Format(moment), Markdown(deciderOf(d)), beside(orWholeCase(d.Step), d.About), beside(d.Choice, d.Why))
	}
	w.WriteString("\n")
}

// beside puts an explanation after a word, in one cell.
func beside(word, explained string) string {
	if explained == "" {
		return Markdown(word)
	}
	return Markdown(word) + ": " + Markdown(explained)
}

func deciderOf(d activities.Decided) string {
	if d.Automatic {
		return "nobody: automatic"
	}
	return d.By
}

func orWholeCase(step string) string {
	if step == "" {
		return "the whole case"
	}
	return step
}
