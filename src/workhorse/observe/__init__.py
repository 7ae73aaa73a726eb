"""What is seen of the work from outside: log lines, and text that cannot steer a terminal."""
