package main

import (
	"encoding/json"
	"fmt"
)

// Outputs and alerts come as JSON whose types only their activities know; these read them without trusting a shape.

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func objects(v any, key string) []map[string]any {
	list, _ := object(v)[key].([]any)
	var out []map[string]any
	for _, item := range list {
		if m := object(item); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// text gives the first of these fields that holds a text or a number.
func text(m map[string]any, names ...string) string {
	for _, name := range names {
		switch v := m[name].(type) {
		case string:
			if v != "" {
				return v
			}
		case float64, json.Number, int64:
			return fmt.Sprint(v)
		}
	}
	return ""
}

// alertLine says in one line what an alert is about.
func alertLine(alert any) string {
	raw, err := json.Marshal(alert)
	if err != nil {
		return ""
	}
	var a map[string]any
	if err := json.Unmarshal(raw, &a); err != nil {
		return ""
	}
	target := object(a["target"])
	about, node := text(target, "pod"), text(target, "node")
	if space := text(target, "namespace"); space != "" && about != "" {
		about = space + "/" + about
	}
	switch {
	case about != "" && node != "":
		about += " on " + node
	case about == "":
		about = node
	}
	line := text(a, "priority") + ": " + text(a, "rule")
	if about != "" {
		line += ", " + about
	}
	return line
}
