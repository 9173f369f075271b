"""The only reader of local files: documents, catalogue, inventory, templates, secrets, models."""
