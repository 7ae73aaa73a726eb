"""What a Store keeps of a saga, and the jobs that belong to it."""
