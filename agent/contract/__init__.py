"""What the well site and the office agree on; the only agent room the hub may import."""
