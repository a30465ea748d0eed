// Package torchtest opens the device of a test and holds the test to freeing what it made there.
// What a test draws it compares with a distribution.
//
// The device is the CPU unless OAIF_TEST_DEVICE names another: with "cuda" the same tests, with the
// same bounds, are those of the GPU.
//
// In flows a test, out flows a device that is closed with it. The package knows nothing of models.
// Errors end the test.
package torchtest

import (
	"os"
	"testing"

	"github.com/oaif/oaif/torch"
)

// Open opens the device of the tests; when the test ends, no handle made in it may be alive. One
// thread is usual: tiny operators wait for a second one longer than they run.
func Open(t testing.TB, threads int) *torch.Device {
	t.Helper()
	before := torch.LiveHandles()
	d, err := torch.OpenDevice(Spec(), threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		if n := torch.LiveHandles() - before; n != 0 {
			t.Errorf("%d handles are still alive at the end of the test", n)
		}
	})
	return d
}

// Spec names the device of the tests: what OAIF_TEST_DEVICE says, or "cpu".
func Spec() string {
	if spec := os.Getenv("OAIF_TEST_DEVICE"); spec != "" {
		return spec
	}
	return "cpu"
}

// Do runs f on the device goroutine and fails the test on an error. f must not call t.Fatal, which
// would end that goroutine.
func Do(t testing.TB, d *torch.Device, f func()) {
	t.Helper()
	if err := d.Do(f); err != nil {
		t.Fatal(err)
	}
}
