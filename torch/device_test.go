package torch_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	_ "github.com/wangkuiyi/gotorch" // its init sets a number of threads of its own

	"github.com/oaif/oaif/torch"
	"github.com/oaif/oaif/torch/torchtest"
)

func TestDoServesOneCallAtATimeOnOneThread(t *testing.T) {
	d := torchtest.Open(t, 1)
	var wg sync.WaitGroup
	inside, count := 0, 0 // only the device goroutine touches them
	threads := map[int]int{}
	for range 16 {
		wg.Go(func() {
			for range 20 {
				err := d.Do(func() {
					inside++
					if inside != 1 {
						t.Error("two calls were served at once")
					}
					threads[syscall.Gettid()]++
					count++
					inside--
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if count != 320 || len(threads) != 1 {
		t.Errorf("%d calls were served on %d threads", count, len(threads))
	}
}

func TestThreadsAreReadBack(t *testing.T) {
	for _, want := range []int{1, 3, 2} {
		d, err := torch.OpenDevice("cpu", want)
		if err != nil {
			t.Fatal(err)
		}
		torchtest.Do(t, d, func() {
			if got := d.Threads(); got != want {
				t.Errorf("libtorch uses %d threads, not %d", got, want)
			}
		})
		d.Close()
	}
}

func TestNamesOfDevices(t *testing.T) {
	for _, spec := range []string{"", "tpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1"} {
		_, err := torch.OpenDevice(spec, 1)
		if err == nil || !strings.Contains(err.Error(), "none of cpu, cuda") {
			t.Errorf("%q: %v", spec, err)
		}
	}
	d, err := torch.OpenDevice("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.String() != "cpu" || d.IsCUDA() {
		t.Errorf("cpu is called %s", d)
	}
	torchtest.Do(t, d, func() {
		if d.Name() == "" {
			t.Error("the processor has no name")
		}
		d.HasBF16()
		if now, peak := d.Memory(); now != 0 || peak != 0 {
			t.Errorf("CUDA memory on a CPU: %d, %d", now, peak)
		}
	})
	if torch.Version() == "" {
		t.Error("libtorch has no version")
	}
}

func TestCUDAWithoutAGPUIsAClearError(t *testing.T) {
	if n := torch.CUDACount(); n > 0 {
		t.Skipf("this machine has %d CUDA devices", n)
	}
	for _, spec := range []string{"cuda", "cuda:0", "cuda:3"} {
		_, err := torch.OpenDevice(spec, 1)
		if err == nil {
			t.Fatalf("%s was opened", spec)
		}
		text := err.Error()
		if !strings.HasPrefix(text, "device "+spec+": ") || !strings.Contains(text, "CUDA") ||
			strings.ContainsRune(text, '\n') {
			t.Errorf("%q", text)
		}
	}
	auto, err := torch.OpenDevice("auto", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer auto.Close()
	if auto.IsCUDA() {
		t.Error("auto chose CUDA without a GPU")
	}
}

func TestCUDAOpens(t *testing.T) {
	if torch.CUDACount() == 0 {
		t.Skip("no CUDA device here")
	}
	d, err := torch.OpenDevice("cuda", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	scoped(t, d, func(s *torch.Scope) {
		x := s.FromFloat32(d, []float32{1, 2}, 2).Float32()
		if x[0] != 1 || x[1] != 2 {
			t.Errorf("read back %v", x)
		}
	})
	if _, err := torch.OpenDevice("cuda:99", 1); err == nil {
		t.Error("cuda:99 was opened")
	}
}

// A bug in a device's job ends the program and says so: it does not hang the caller or turn into a
// data error.
func TestOtherPanicOnTheDeviceEndsTheProgram(t *testing.T) {
	if os.Getenv("OAIF_TEST_BUG") == "1" {
		d, err := torch.OpenDevice("cpu", 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Error(d.Do(func() { panic(os.ErrProcessDone) }))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOtherPanicOnTheDeviceEndsTheProgram$")
	cmd.Env = append(os.Environ(), "OAIF_TEST_BUG=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: ") ||
		!strings.Contains(string(out), os.ErrProcessDone.Error()) {
		t.Errorf("%v: %s", err, out)
	}
}
