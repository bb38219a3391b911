"""SMTP through aiosmtplib: servers in order, sessions that are kept, one transaction a mail.

server.py       describes a server and its login
session.py      opens one session: connect, encrypt, log in
sessions.py     keeps sessions with a server, and gives them to one mail after another
transaction.py  sends one mail in a session
providers.py    takes the next server where one cannot take the mail
receipts.py     says what is kept of a mail that was taken
checking.py     tries a server step by step
errors.py       makes our errors of what servers answer
"""
