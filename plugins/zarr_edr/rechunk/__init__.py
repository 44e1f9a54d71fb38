"""Another layout of a store: the same values in chunks for series at points, or for fields. See docs/layouts.md."""
