"""The guards of delivery by FTP: where its connections lead, and that nothing goes in the clear."""

from __future__ import annotations

from scripts.guards.guards import Guard

_FTP = "blocks/prefect_mailroom/channels/ftp"
_TESTS = "tests/integration/blocks/ftp"
_SECURITY = (f"{_TESTS}/test_ftp_security.py",)
_WIRE = ("tests/unit/blocks/test_ftp_wire.py",)

FTP_GUARDS = (
    Guard(
        "data goes to the peer",
        "The address that PASV names leads nowhere.",
        f"{_FTP}/wire.py",
        "        _, port = self.makepasv()\n        link = self._dial(self._peer, port)\n",
        '        link = self._dial(*ftplib.parse227(self.sendcmd("PASV")))\n',
        _SECURITY,
    ),
    Guard(
        "data goes to no service",
        "No FTP server makes us talk to a mail server or a database of its machine.",
        f"{_FTP}/wire.py",
        "        if not _LEAST_DATA_PORT <= port <= 65_535:\n",
        "        if False:\n",
        _SECURITY,
    ),
    Guard(
        "a given address is asked about before it is connected to",
        "A data connection to what is never a target is not even opened.",
        "blocks/prefect_mailroom/outbound.py",
        "                await refuse_never(host, address, port)\n                found = [",
        "                found = [",
        _SECURITY,
    ),
    Guard(
        "plain FTP asks the operator when it connects",
        "Nobody logs in without encryption because his connection says so.",
        f"{_FTP}/opening.py",
        "            permit_plain(server.host, str(link.getpeername()[0]))\n",
        "            pass\n",
        _SECURITY,
    ),
    Guard(
        "plain FTP asks the operator when it is saved",
        "A connection that could never be used is not stored.",
        f"{_FTP}/channel.py",
        "                    permit_plain(server.host, address)\n",
        "                    pass\n",
        _SECURITY,
    ),
    Guard(
        "the certificate is verified",
        "A login goes to nobody who cannot prove that he is the server.",
        f"{_FTP}/server.py",
        "    context = ssl.create_default_context()\n",
        "    context = ssl._create_unverified_context()\n",
        _SECURITY,
    ),
    Guard(
        "data resumes the session",
        "vsftpd and proftpd take no data connection of another TLS session.",
        f"{_FTP}/wire.py",
        "self.context, self.host, self.sock.session)\n",
        "self.context, self.host, None)\n",
        (f"{_TESTS}/test_ftp_session.py",),
    ),
    Guard(
        "a session that is cut stays encrypted",
        "Who is in the middle of sending sends nothing in the clear.",
        f"{_FTP}/data_link.py",
        "        socket.socket.shutdown(link, socket.SHUT_RDWR)\n",
        "        link.shutdown(socket.SHUT_RDWR)\n",
        _WIRE,
    ),
    Guard(
        "a command is one line",
        "No name of a file is a second command.",
        f"{_FTP}/wire.py",
        '        if any(character in line for character in "\\r\\n\\0"):\n',
        "        if False:\n",
        _WIRE,
    ),
    Guard(
        "a rename replaces nothing unless it may",
        "What another writer put there meanwhile stays.",
        f"{_FTP}/folder.py",
        "                if not replace:\n                    raise FileExistsError(self.shown(new)) from None\n",
        "",
        (f"{_TESTS}/test_ftp_hard_moments.py",),
    ),
    Guard(
        "no link leads out of the folder",
        "A symbolic link on the server takes no file elsewhere.",
        f"{_FTP}/folder.py",
        "            raise faults.leads_out(self.where, shown)\n",
        "            pass\n",
        (f"{_TESTS}/test_ftp_hard_moments.py",),
    ),
)
