"""What a trial counts: complaints, use of force, stops, arrests, early guilty pleas, time to case file."""
