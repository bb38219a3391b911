"""Limit how often a user, a key or an address may ask.

address.py     the address of the client behind listed proxies
counting.py    the counts, in this process or in Redis
headers.py     what an answer says of them
middleware.py  the two places where a request is counted: before the log-in and after it
"""
