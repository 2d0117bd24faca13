"""Pages of requests: for the public under /ask/, for staff under /requests/."""
