"""Closed forms that stand beside the measurements, each with its source and its range."""
