"""Choose, order and count schedules for lists, and read what lists show beside them; all of it by indexes."""
