"""What goes wrong, injected: one file a family, each naming the faults it makes."""
