"""Which replica runs on which devices of which host, or why nowhere; between sizing and cost."""
