"""Runs what psycopg 3 does differently from other drivers, and prints what it saw as JSON.

The connection comes from the environment (PGHOST and so on). Results are fetched in binary format.
"""

import datetime
import decimal
import json
import sys
import uuid

import psycopg
from psycopg.rows import dict_row

TYPES = """select 1::int2 as i2, 2::int4 as i4, 3::int8 as i8, 1.5::float8 as f8, 12.50::numeric as n, true as b,
  'x'::text as t, date '2024-02-29' as d, timestamptz '2024-02-29 12:00:00+00' as ts,
  '7e57ab1e-dead-4bee-8bad-f00dcafe0001'::uuid as u, '\\x0102'::bytea as y, array[1,2] as a, '{"k": 1}'::jsonb as j,
  interval '1 day 2 hours' as iv, inet '10.0.0.1' as ip"""


def plain(value):
    if isinstance(value, (datetime.date, datetime.datetime, datetime.timedelta, uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def error_of(act):
    try:
        act()
    except psycopg.Error as error:
        return {"type": type(error).__name__, "sqlstate": error.sqlstate, "message": str(error)}
    return None


def main():
    found = {}
    with psycopg.connect("", autocommit=True, row_factory=dict_row) as connection:
        with connection.cursor(binary=True) as cursor:
            found["types"] = plain(cursor.execute(TYPES, binary=True).fetchone())
            found["patients"] = plain(
                cursor.execute(
                    "select first_name, ssn, birth_date, registered_at, sex from hospital.patients"
                    " where sex = %b",
                    ("F",),
                ).fetchall()
            )
            found["secret"] = plain(cursor.execute("select * from scratch.secret where id = %b", (1,)).fetchone())
            # Prepared on the server from the fifth execution on.
            found["prepared"] = [
                cursor.execute("select %b::int + 1 as n", (number,), prepare=True).fetchone()["n"] for number in range(3)
            ]
            found["refused"] = error_of(lambda: cursor.execute("delete from scratch.item"))
            found["after"] = cursor.execute("select 1 as one").fetchone()["one"]

            cursor.execute("delete from scratch.item where id between 900 and 999")
            with cursor.copy("copy scratch.item (id, label) from stdin (format binary)") as copy:
                copy.set_types(["int4", "text"])
                copy.write_row((900, "nine"))
                copy.write_row((901, None))
            with cursor.copy("copy (select id, label from scratch.item where id >= 900 order by id) to stdout") as copy:
                found["copied"] = [list(row) for row in copy.rows()]
            cursor.executemany("insert into scratch.item values (%b, %b)", [(902, "a"), (903, "b")])

        with connection.pipeline():
            cursors = [connection.execute("select %s::int as n", (number,), binary=True) for number in range(20)]
            found["pipeline"] = [cursor.fetchone()["n"] for cursor in cursors]

        def pipelined_refusal():
            with connection.pipeline():
                connection.execute("insert into scratch.item values (950, 'must not stay')")
                connection.execute("delete from scratch.item")

        found["pipelined refusal"] = error_of(pipelined_refusal)
        found["kept"] = connection.execute("select count(*) as n from scratch.item where id = 950").fetchone()["n"]

        def transaction_refusal():
            with connection.transaction():
                connection.execute("insert into scratch.item values (951, 'must not stay')")
                connection.execute("delete from scratch.item")

        found["transaction refusal"] = error_of(transaction_refusal)
        with connection.transaction():
            connection.execute("insert into scratch.item values (952, 'stays')")
            with connection.transaction(force_rollback=True):
                connection.execute("insert into scratch.item values (953, 'rolled back')")
        found["ids"] = [
            row["id"] for row in connection.execute("select id from scratch.item where id > 949 order by id").fetchall()
        ]
        if "--cursor" in sys.argv:
            with connection.transaction(), connection.cursor("named", binary=True) as cursor:
                cursor.itersize = 3
                cursor.execute("select g as n from generate_series(1, 7) g")
                found["cursor"] = [row["n"] for row in cursor]
        found["server"] = connection.info.server_version
        found["parameters"] = {
            name: connection.info.parameter_status(name) for name in ("client_encoding", "is_superuser", "integer_datetimes")
        }
    json.dump(found, sys.stdout)


main()
