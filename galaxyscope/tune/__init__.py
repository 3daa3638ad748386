"""Choosing settings by how well the lengths agree with those that people measured."""
