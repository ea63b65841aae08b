"""Metrics: from per-sample evidence to figures with their uncertainty. Numpy alone; networks are in `extractors`."""
