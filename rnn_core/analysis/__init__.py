"""What can be said of a recording: each module one question, answered with numbers."""
