//go:build !linux

package main

// setEnvironment does nothing where a program cannot be sure of starting itself again.
func setEnvironment() error { return nil }
