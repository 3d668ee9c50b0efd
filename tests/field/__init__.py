"""A well site for tests: time that jumps, buses made of memory, sites on real sockets."""
