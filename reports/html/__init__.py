"""A report as one HTML file that needs no network: plain values, templates, and what draws and sorts them."""

from .charts import Chart
from .render import Head, Legend, render
from .section import Section

__all__ = ["Chart", "Head", "Legend", "Section", "render"]
