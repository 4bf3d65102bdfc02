"""The Steer tab."""
