"""What an extraction job does with a list of videos, and what became of each."""
