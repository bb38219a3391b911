"""What a schedule's report has to be like to be sent."""
