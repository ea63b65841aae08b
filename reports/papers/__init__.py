"""The papers' tables as data: which rows and columns each has, and by what key its figures are found."""

from .paper import LPIPS, Line, Paper, names, paper

__all__ = ["LPIPS", "Line", "Paper", "names", "paper"]
