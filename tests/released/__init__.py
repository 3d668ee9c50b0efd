"""What earlier releases ask of the database: kept, so that newer tables still serve them."""
