"""Logs in with libpq: LIBRARY CONNINFO. A token on stdin is for its own OAUTHBEARER (PostgreSQL 18, section 32.20.2)."""

import ctypes
import sys

BEARER_TOKEN = 1
token = sys.stdin.read().encode()


class Request(ctypes.Structure):
    _fields_ = [
        ("openid_configuration", ctypes.c_char_p),
        ("scope", ctypes.c_char_p),
        ("run", ctypes.c_void_p),
        ("cleanup", ctypes.c_void_p),
        ("token", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
    ]


HOOK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


@HOOK
def hook(kind, _connection, data):
    if kind != BEARER_TOKEN:
        return 0
    request = ctypes.cast(data, ctypes.POINTER(Request)).contents
    print("discovery", request.openid_configuration.decode(), request.scope.decode())
    request.token = token
    return 1


pq = ctypes.CDLL(sys.argv[1])
pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
pq.PQerrorMessage.restype = pq.PQgetvalue.restype = ctypes.c_char_p
pq.PQerrorMessage.argtypes = pq.PQstatus.argtypes = [ctypes.c_void_p]
pq.PQexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
pq.PQgetvalue.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
pq.PQsetAuthDataHook(hook)
connection = pq.PQconnectdb(sys.argv[2].encode())
if pq.PQstatus(connection) != 0:
    print("refused", pq.PQerrorMessage(connection).decode())
else:
    print("value", pq.PQgetvalue(pq.PQexec(connection, b"select 40 + 2"), 0, 0).decode())
