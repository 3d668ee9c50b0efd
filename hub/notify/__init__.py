"""What a person is told, over which channel, and the proof that it arrived."""
