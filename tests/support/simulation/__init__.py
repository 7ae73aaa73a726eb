"""A world in one thread: the real worker and the real engine under a seeded scheduler, a virtual clock and a nemesis."""
