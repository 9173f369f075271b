"""Measurements of planner against something a reader can run too."""
