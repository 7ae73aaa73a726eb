"""Who is measured on each engine, and how each is set; ours comes first."""
