"""Every table, listed, searched, changed, taken out and taken in by one set of rules.

The console's pages, the API and the import all come through here, so that a field is read, refused
and stored alike whatever door it came through.
"""
