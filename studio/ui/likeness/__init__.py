"""The Likeness tab, and the offer of a likeness below the pictures of the other tabs."""
