package checkpoint

// Disk and File let tests make single disk operations fail.
type (
	Disk = disk
	File = file
)

// OSDisk is the real disk.
var OSDisk Disk = osDisk{}

// OpenRunOn is OpenRun on another disk.
func OpenRunOn(d Disk, dir string, opt Options) (*Run, error) { return openRun(d, dir, opt) }
