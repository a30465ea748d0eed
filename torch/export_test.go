package torch

// Throw raises a C++ exception of the given class inside the bridge.
var Throw = throw
