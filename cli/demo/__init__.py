"""The demo: three schedules over the sample reports, delivered for real, and checked at the receiving end."""
