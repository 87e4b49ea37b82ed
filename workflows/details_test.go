package workflows

import (
	"strings"
	"testing"
)

func TestAnAttackersTextIsNoMarkup(t *testing.T) {
	got := Markdown("a|b `c` <script> [x](https://evil.example) **d** _e_\n\x1b[31m\u202e")
	for _, bad := range []string{"<script", "](", "://", "\n", "\x1b", "\u202e", "`"} {
		if strings.Contains(got, bad) && !strings.Contains(got, "\\"+bad) {
			t.Errorf("%q is still in %q", bad, got)
		}
	}
	if long := Plain(strings.Repeat("é", 300), 99); len(long) > 99+len("…") || !strings.HasSuffix(long, "é…") {
		t.Errorf("cut in the middle of a letter: %q", long)
	}
}

func TestASummarySaysWhatTheStepIsAbout(t *testing.T) {
	pod := map[string]any{"namespace": "shop", "name": "web-7d9f", "uid": "1"}
	tests := map[string]struct {
		at    *frame
		input any
		want  string
	}{
		"a pod":          {&frame{}, map[string]any{"pod": pod}, "contain / isolate[0]/deny shop/web-7d9f"},
		"names":          {&frame{}, map[string]any{"namespace": "shop", "pod": "web"}, "contain / isolate[0]/deny shop/web"},
		"a node":         {&frame{}, map[string]any{"node": "ip-10-0-1-23", "labels": map[string]any{}}, "contain / isolate[0]/deny ip-10-0-1-23"},
		"the item":       {(&frame{}).item("isolate[0]/", "pod", pod), map[string]any{"text": "x"}, "contain / isolate[0]/deny shop/web-7d9f"},
		"nothing at all": {&frame{}, nil, "contain / isolate[0]/deny"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := summaryOf("contain", "isolate[0]/deny", label(test.at, test.input)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
