"""One adapter a peer: a Producer (open, one, close; bulk where there is such an API), and `work_off` for its worker."""
