"""Making the copy that may leave: what is hidden is decided by a plan, and the copy is encoded anew from it."""
