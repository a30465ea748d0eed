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

// Parts returns the names of the checkpoint's blobs, and the bytes of the log that it remembers.
func (c *Checkpoint) Parts(log string) (blobs []string, bytes int64) {
	for _, b := range c.m.Blobs {
		blobs = append(blobs, b.Name)
	}
	return blobs, c.m.Logs[log].Bytes
}
