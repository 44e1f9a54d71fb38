"""Pictures of coverages, in two steps: `sketch` decides what is shown, as values; `draw` hands that to matplotlib."""
