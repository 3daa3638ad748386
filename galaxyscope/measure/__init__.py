"""Measuring: bars on attribution maps, drawn lines, and how well they agree."""
