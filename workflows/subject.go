package workflows

import (
	"strings"
	"unicode"
)

// maxLabel keeps a label far below the 200 bytes at which Temporal cuts a summary.
const maxLabel = 80

// label names what a step is about, for the Web UI: the target in its input, else the item around it.
func label(at *frame, input any) string {
	if text := subject(input); text != "" {
		return text
	}
	return at.label
}

// subject finds a name in a value, such as "shop/web-7d9f" in a pod. Names may be an attacker's words: they are shown
// without control characters and cut.
func subject(value any) string {
	switch v := value.(type) {
	case string:
		return Plain(v, maxLabel)
	case map[string]any:
		return subjectOfObject(v)
	}
	return ""
}

func subjectOfObject(v map[string]any) string {
	for _, key := range []string{"pod", "name", "node", "instance", "instanceId", "volume", "snapshot", "id", "title"} {
		switch field := v[key].(type) {
		case string:
			if field == "" {
				continue
			}
			if space, _ := v["namespace"].(string); space != "" && (key == "pod" || key == "name") {
				field = space + "/" + field
			}
			return Plain(field, maxLabel)
		case map[string]any:
			if text := subjectOfObject(field); text != "" {
				return text
			}
		}
	}
	return ""
}

// summaryOf is one activity in the Web UI, such as "contain / isolate[0]/deny shop/web-7d9f".
func summaryOf(phase, path, about string) string {
	return strings.TrimSpace(phase + " / " + path + " " + about)
}

// Plain gives an attacker's text without control characters and of at most limit bytes.
func Plain(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
