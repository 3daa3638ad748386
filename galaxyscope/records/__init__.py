"""Rows that are kept: what they hold, the session they live in, tables and figures."""
