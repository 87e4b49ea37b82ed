package activities

// EvidenceStore tells whether a playbook's `to` names it.
type EvidenceStore interface {
	Accepts(to string) error
}

// CheckStore refuses a `to` that names another evidence store than the worker's own; a worker without one says so later.
func CheckStore(own EvidenceStore, to string) error {
	if own == nil {
		return nil
	}
	if err := own.Accepts(to); err != nil {
		return Invalid(err, "leave `to` out, or name the worker's own store")
	}
	return nil
}
