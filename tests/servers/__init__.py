"""Real servers for tests: started on loopback, bounded, stopped by whoever started them."""
