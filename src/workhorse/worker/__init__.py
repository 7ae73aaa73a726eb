"""Runs jobs: claims them, calls their tasks, decides and settles what became of them."""
