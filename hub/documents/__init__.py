"""What is kept as files: stored by content, shown only to who may see them."""
