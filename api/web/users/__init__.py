"""The pages of users: who there is, one of them, and what becomes of the schedules of who leaves."""
