"""Training an adapter: memory and hours, and whether it may run beside what serves."""
