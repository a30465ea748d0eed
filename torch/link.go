package torch

// The flags below serve gotorch too: build/current/lib holds libcgotorch.so, and build/current/link
// answers its -lc10 -ltorch -ltorch_cpu with nothing, so that libtorch is loaded once, by
// libcbridge.so.
//
// Go's build cache sees neither included headers nor shared libraries. It does see a header that
// lies in the package: gen_build.h, written by the Makefile, holds a digest of cbridge.h and both
// libraries, and the string below carries it into the object, so that cached packages and cached
// test results end with the build that they came from.

// #cgo CFLAGS: -I${SRCDIR}/../cbridge/include
// #cgo LDFLAGS: -L${SRCDIR}/../build/current/lib -L${SRCDIR}/../build/current/link -lcbridge
// #cgo LDFLAGS: -Wl,-rpath,${SRCDIR}/../build/current/lib
// #if __has_include("gen_build.h")
// #include "gen_build.h"
// static const char cb_build_digest[] __attribute__((used)) = CB_BUILD_DIGEST;
// #endif
import "C"
