package synthetic

// Artifact is a piece of evidence of a run, for people who look for why it failed.
type Artifact struct {
	// Name is a file name, such as step-03.jpg, film-0007.jpg, console.json or
	// run.har.
	Name string
	// ContentType is its media type.
	ContentType string
	// Step is the index of the step that it belongs to; -1 for the whole run.
	Step int
	Data []byte
}
