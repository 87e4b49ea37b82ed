package layout

// context is what a map or list of the file is in the language, as far as it has an order.
type context int

const (
	other context = iota
	top           // the playbook itself
	list          // a list of steps
	step
	arms // of a switch or a catch: conditions with steps
	arm
)

// under gives the context of the value under a key.
func (c context) under(key string) context {
	switch {
	case c == top && (key == "steps" || key == "finally"), c == arm && key == "do":
		return list
	case c != step:
		return other
	}
	switch key {
	case "parallel", "do", "then", "else", "default":
		return list
	case "switch", "catch":
		return arms
	}
	return other
}

// item gives the context of a list's items.
func (c context) item() context {
	switch c {
	case list:
		return step
	case arms:
		return arm
	}
	return other
}

// order gives the keys in their order; keys that are not named follow as they stand.
func (c context) order() []string {
	switch c {
	case top:
		return []string{
			"apiVersion", "kind", "metadata", "inputs", "triggers", "dedup", "guards", "approvers", "defaults",
			"steps", "finally", "outputs", "slo",
		}
	case step:
		return []string{
			"id", "phase", "if", // which step, and when
			"order", "while", "foreach", "uses", "with", "wait", "approve", "call", "set", "rollback", "stop", // what it does
			"requires", "parallel", "do", "switch", "default", "then", "else", // and with which steps
			"idempotencyKey", "timeout", "heartbeat", "retry", "onError", "catch", "undo", // how
		}
	case arm:
		return []string{"case", "when", "do"}
	}
	return nil
}
