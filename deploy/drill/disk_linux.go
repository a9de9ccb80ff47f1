package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// mountSmall puts a file system of that size on a directory.
func mountSmall(dir string, sizeBytes int) error {
	return mounted(unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", sizeBytes)))
}

// mountReadOnly lays a directory over itself, read-only. Files that are open
// stay as they are.
func mountReadOnly(dir string) error {
	if err := mounted(unix.Mount(dir, dir, "", unix.MS_BIND, "")); err != nil {
		return err
	}
	if err := mounted(unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
		unmount(dir)
		return err
	}
	return nil
}

func mounted(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w: file systems cannot be mounted: %w", errNotHere, err)
	}
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// unmount takes the topmost file system off a directory, also while files of it
// are open.
func unmount(dir string) { _ = unix.Unmount(dir, unix.MNT_DETACH) }
