package schema

import "github.com/firebreak-ir/firebreak/playbooks/plan"

func metadata() object {
	return closed("What the playbook is", object{
		"name":    text("A DNS label", `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`),
		"version": object{"type": "string", "description": "Three numbers, such as 1.0.0"},
		"title":   text("", ""), "owner": text("", ""),
		"labels": object{"type": "object", "additionalProperties": object{"type": []string{"string", "number", "boolean"}}},
	}, "name", "version")
}

func input() object {
	kinds := []string{"string", "integer", "number", "boolean", "time"}
	return closed("An input", object{
		"type": object{"anyOf": []object{
			{"enum": kinds}, {"type": "array", "items": object{"enum": kinds}, "minItems": 1, "maxItems": 1},
		}},
		"required": object{"type": "boolean"}, "default": object{}, "doc": text("", ""),
	}, "type")
}

func trigger() object {
	out := closed("What starts a run: exactly one of falco, alertmanager, cloudevents and schedule", object{
		"id": text("", ""),
		"falco": closed("Alerts of Falco", object{
			"minPriority": words("", plan.Priorities()...), "rules": texts("Names of rules"), "when": ref("condition"),
		}),
		"alertmanager": closed("Alerts of Alertmanager", object{"matchers": texts("Such as severity=\"critical\""), "when": ref("condition")}),
		"cloudevents": closed("CloudEvents 1.0", object{
			"types": texts(""), "source": text("", ""), "when": ref("condition"),
			"map": object{"type": "object", "additionalProperties": object{"type": "string"}, "description": "Fields of the alert as expressions on event"},
		}),
		"schedule": closed("The clock", object{
			"cron": text("Five fields", ""), "timezone": text("A name of the IANA database", ""), "jitter": ref("duration"), "catchup": ref("duration"),
			"overlap": words("", "skip", "buffer_one", "cancel_other", "allow_all"),
		}, "cron"),
		"mode":  words("Of a schedule's runs", string(plan.Live), string(plan.Drill)),
		"alert": text("Of a schedule: the file with the alert that opens its runs", ""),
	}, "id")
	out["oneOf"] = oneOf("falco", "alertmanager", "cloudevents", "schedule")
	out["dependencies"] = object{"schedule": []string{"alert"}, "alert": []string{"schedule"}, "mode": []string{"schedule"}}
	return out
}

func dedup() object {
	return closed("Which alerts are one case", object{
		"key":          text("A CEL expression that gives text", ""),
		"onDuplicate":  words("", string(plan.Join), string(plan.Drop), string(plan.New)),
		"reopenWithin": ref("duration"),
	}, "key")
}

func guards() object {
	return closed("What bounds the changes of a run", object{
		"maxTargets": closed("", object{"pods": whole("", 1, 100_000), "nodes": whole("", 1, 100_000), "nodePercent": whole("", 1, 100)}),
		"protect": closed("", object{
			"namespaces": texts(""), "when": ref("condition"), "openControlPlane": object{"type": "boolean"},
		}),
		"rate": closed("", object{"runs": whole("", 1, 100_000), "per": ref("duration"), "scope": words("", "cluster", "playbook")}, "runs", "per"),
		"lock": text("Name of a lock that one case at a time holds", ""), "onTrip": words("", "approve", "fail"), "from": texts("Names of approvers"),
	})
}

func approver() object {
	return closed("A circle of people", object{
		"groups": texts(""), "subjects": texts(""), "quorum": whole("How many must agree", 1, 20), "notRequester": object{"type": "boolean"},
	})
}

func slo() object {
	phases := object{}
	for _, phase := range plan.Phases() {
		phases[phase] = ref("duration")
	}
	return closed("How long after the alert each phase is to be through", phases)
}
