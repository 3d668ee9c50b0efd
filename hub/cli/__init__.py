"""What `wellflow-hub` can be told on the command line; one file per kind of verb."""
