"""Everything on one machine, under one supervisor, with its data below one folder."""
