"""Kills every part of a running installation again and again, then counts every reading."""
