//go:build !linux

package main

// mountSmall and the others need Linux.
func mountSmall(string, int) error { return errNotHere }

func mountReadOnly(string) error { return errNotHere }

func unmount(string) {}
