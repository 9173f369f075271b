"""What the user asks for: frozen models of the blueprint, and the checks that need only the text."""
