"""What the user asks for: the blueprint's frozen models, and what its text alone can tell."""
