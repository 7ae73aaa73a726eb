"""The Redis engine: jobs and facts in one server's memory, each verb one script."""
