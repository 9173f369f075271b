"""Vector stores: from pages to bytes in RAM and on disk, one file an engine."""
