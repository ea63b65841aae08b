"""Uncertainty: plain functions on arrays."""
