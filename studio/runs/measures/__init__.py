"""What is measured in a run: its cost, its history, its error, and the verdict of networks that no loss uses."""
