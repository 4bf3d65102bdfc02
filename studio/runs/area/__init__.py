"""The area of the picture that may change: named parts, painted cells, or where the goal's gradient lies."""
