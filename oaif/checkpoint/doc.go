// Package checkpoint keeps a run folder whole through crashes, kills and full disks.
//
// Lines flow into the append-only logs metrics.jsonl, pairs.jsonl and system.jsonl; bytes flow into
// checkpoints/step-N, one folder for each saved step, and come back out of the newest one that
// verifies by its SHA-256 digests. The package knows no tensors and no meaning of any line or blob.
//
// A checkpoint is written under step-N.tmp, flushed to the disk and renamed, so that it is there
// completely or not at all. It remembers how long the logs of the training were and their digests;
// Rewind cuts them back to that, so that a resumed run appends what an unstopped run would have.
//
// Errors: whatever is wrong with the folder, a file in it or the disk is one line naming the file,
// with errors.Is(err, oaif.ErrData). Other errors mean a mistake of the caller.
package checkpoint
