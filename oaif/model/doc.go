// Package model turns weight files into a policy or a frozen reference on a device, and batches of
// token sequences into packed trees that share every common prefix.
//
// Flowing in are opened weights and token ids; flowing out are log-probs, entropies, KL divergences
// and gradients. The package knows no text, no annotator and no loss. Methods marked "device
// goroutine only" panic with *torch.Error, as package torch does; the others return errors.
package model
