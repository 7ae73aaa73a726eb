"""Values, names and rules that everything else stands on; knows nobody, does no I/O."""
