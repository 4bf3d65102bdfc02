"""What a run optimises: the goals as losses."""
