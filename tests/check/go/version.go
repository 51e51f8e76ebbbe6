package main

import (
	"fmt"
	"os"
	"slices"
)

// Version is one state of the code. It differs from Same, which recorded the histories, in the one thing that it names.
type Version string

const (
	Same Version = "same"
	// Before is older than Same: it knows nothing of the loyalty discount.
	Before           Version = "before"
	Reordered        Version = "reordered"
	Added            Version = "added"
	Timer            Version = "timer"
	Input            Version = "input"
	Patched          Version = "patched"
	Forgotten        Version = "forgotten"
	Removed          Version = "removed"
	LocalActivity    Version = "local_activity"
	Child            Version = "child"
	Update           Version = "update"
	SearchAttributes Version = "search_attributes"
)

var versions = []Version{
	Same, Before, Reordered, Added, Timer, Input, Patched, Forgotten, Removed, LocalActivity, Child, Update, SearchAttributes,
}

// versionFromEnvironment reads VERSION, which is Same when it is not set. It fails on a name that is none of them.
func versionFromEnvironment() (Version, error) {
	version := Version(os.Getenv("VERSION"))
	if version == "" {
		return Same, nil
	}
	if !slices.Contains(versions, version) {
		return "", fmt.Errorf("VERSION is %q, and must be one of %v", version, versions)
	}
	return version, nil
}
