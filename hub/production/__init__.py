"""What a lease made each day: from gauges, tickets and tests to volumes of its wells."""
