//go:build !linux

package main

import "syscall"

// attributes of a process. Only Linux ends a process with its parent; elsewhere
// what the drill started outlives it when it is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
