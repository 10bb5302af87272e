"""The day on which the demo stands still, so that every page is the same on every run."""

from datetime import date

TODAY = date(2025, 6, 16)
