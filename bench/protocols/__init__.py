"""How a figure is measured, as data, with its hash."""
