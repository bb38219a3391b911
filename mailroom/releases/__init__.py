"""Release what a stop holds back: show what would go, and lift the stop or skip what a restored database forgot."""
