package main

const (
	waitPolicy = "OMP_WAIT_POLICY"
	spinCount  = "GOMP_SPINCOUNT"
)

// environment is what libraries read when they are loaded, and what it is to be where the user has
// not set it.
//
// With libgomp's own OMP_WAIT_POLICY two OpenMP programs side by side spend their time spinning. A
// passive thread still spins for some microseconds before it sleeps: one decode step has hundreds
// of short parallel loops, and waking a thread for each took a third of its time. oneDNN keeps a
// product's code for every number of rows that it has met, and libtorch keeps more of it
// (LRU_CACHE_CAPACITY); each step has new ones. 64 are more than a pass through the layers has.
var environment = []struct{ name, value string }{
	{waitPolicy, "passive"},
	{spinCount, "3000"},
	{"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64"},
	{"LRU_CACHE_CAPACITY", "64"},
}
