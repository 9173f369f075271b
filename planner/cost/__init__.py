"""What a farm costs a month, as lines with their arithmetic; after placement, before rendering."""
