package activities

// TargetField is a field of an activity's input that names what the activity changes, for guards and the fence of drills, or
// of what it takes evidence, so that the evidence of one target is not taken for that of another. Its value is a name, an object with `name`, `namespace` and `uid`, or a list of these.
type TargetField struct {
	Field string `json:"field"`
	Kind  string `json:"kind"` // Pod, Node or Instance
}
