//go:build !linux

package main

// setEnvironment does nothing where libgomp is not what libtorch comes with.
func setEnvironment() error { return nil }
