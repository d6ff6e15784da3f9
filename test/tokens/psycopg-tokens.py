"""Works on a ward with what it is given for people's columns, values or tokens, and prints what came of it as JSON.

The connection comes from the environment (PGHOST and so on). Results and parameters are in binary format, unless
"--text" is given.
"""

import json
import sys

import psycopg
from psycopg.types.json import Jsonb

BINARY = "--text" not in sys.argv
MARK = "%b" if BINARY else "%t"
COLUMNS = "full_name nickname ward_code ssn email phone record_no account policy external".split()
TYPES = {"ward_code": "bpchar", "record_no": "int4", "account": "int8", "policy": "numeric", "external": "uuid"}

answers = {}
shown = []


def see(value):
    shown.append(str(value))
    return value


def ids(cursor, sql, *parameters, **options):
    return [row[0] for row in cursor.execute(sql.replace("?", MARK), parameters, **options).fetchall()]


def one(cursor, sql, *parameters):
    return cursor.execute(sql.replace("?", MARK), parameters).fetchone()[0]


def value_of(cursor, column, person):
    # As the type would be read into a program that pads nothing.
    value = see(one(cursor, f"select {column} from ward.person where id = ?", person))
    return value.rstrip() if isinstance(value, str) else value


def look_up(cursor, column):
    value, other = value_of(cursor, column, 7), value_of(cursor, column, 9)
    cast = TYPES.get(column, "text")
    told = {
        "equal": ids(cursor, f"select id from ward.person where {column} = ?::{cast} order by id", value),
        "undeclared": ids(cursor, f"select id from ward.person where {column} = ? order by id", value),
        "in": ids(cursor, f"select id from ward.person where {column} in (?, ?) order by id", value, other),
        "not in": ids(cursor, f"select id from ward.person where {column} not in (?, ?) order by id", value, other),
        "any": ids(cursor, f"select id from ward.person where {column} = any(?::{cast}[]) order by id", [value, other]),
        "not any": ids(cursor, f"select id from ward.person where {column} <> all(?::{cast}[]) order by id", [value]),
        "join": ids(
            cursor,
            f"select v.id from ward.person p join ward.visit v using ({column}) where p.{column} = ?::{cast} order by v.id",
            value,
        ),
        "exists": ids(
            cursor,
            f"select p.id from ward.person p where exists (select from ward.visit v where v.{column} = p.{column}"
            f" and v.{column} = ?::{cast}) order by p.id",
            other,
        ),
        "count": cursor.execute(
            f"select count(*) filter (where {column} = {MARK}::{cast}), count(distinct {column}) from ward.person", (value,)
        ).fetchone(),
        # Prepared on the server, and executed with other values.
        "prepared": [
            ids(
                cursor,
                f"select id from ward.person where {column} = ?::{cast} order by id",
                value_of(cursor, column, person),
                prepare=True,
            )
            for person in (2, 3, 6, 7, 8, 9, 2)
        ],
    }
    cursor.execute(f"update ward.visit set kind = 'seen' where {column} = {MARK}::{cast}", (value,))
    told["updated"] = cursor.rowcount
    cursor.execute(f"update ward.visit set {column} = {MARK}::{cast} where id = 40", (value,))
    cursor.execute(f"update ward.visit set {column} = case when kind = 'seen' then {column} else {MARK}::{cast} end where id = 41", (other,))
    cursor.execute(f"delete from ward.visit where {column} = {MARK}::{cast} and id < 3", (value_of(cursor, column, 0),))
    told["deleted"] = cursor.rowcount
    return told


def insert(cursor):
    rows = cursor.execute(f"select {', '.join(COLUMNS)} from ward.person where id in (3, 7, 9) order by id").fetchall()
    for row in rows:
        for value in row:
            see(value)
    names, marks = ", ".join(COLUMNS), ", ".join([MARK] * len(COLUMNS))
    casts = ", ".join(f"{MARK}::{TYPES.get(column, 'text')}" for column in COLUMNS)
    cursor.execute(f"insert into ward.visit (id, kind, {names}) values (500, 'new', {casts})", rows[0])
    cursor.execute(f"insert into ward.visit (id, kind, {names}) values (501, 'new', {marks})", rows[1])
    cursor.executemany(
        f"insert into ward.visit (id, kind, {names}) values (%b, 'many', {casts})",
        [(502 + index, *rows[index % 3]) for index in range(12)],
    )
    cursor.executemany(
        f"update ward.visit set kind = 'again' where id >= 500 and full_name = {MARK}", [(rows[0][0],), (rows[2][0],)]
    )
    answers["updated many"] = cursor.rowcount
    cursor.execute(
        f"insert into ward.visit (id, kind, full_name) values (500, 'new', {MARK}), (520, 'new', {MARK})"
        " on conflict (id) do update set full_name = excluded.full_name, kind = 'conflict' returning full_name",
        (rows[1][0], rows[2][0]),
    )
    answers["returned"] = [see(row[0]) == rows[1 + index][0] for index, row in enumerate(cursor.fetchall())]
    cursor.execute(
        f"insert into ward.visit (id, kind, {names}) select 530, 'copied', {names} from ward.person where record_no = {MARK}"
        " and id = 9",
        (rows[2][6],),
    )
    answers["inserted"] = ids(cursor, "select id from ward.visit where id >= 500 order by id")


def documents(cursor):
    family = see(one(cursor, "select doc->'name'->>'family' from ward.person where id = ?", 7))
    number = see(one(cursor, "select doc->>'mrn' from ward.person where id = ?", 7))
    document = one(cursor, "select doc from ward.person where id = ?", 7)
    see(document)
    aliases = one(cursor, "select aliases from ward.person where id = ?", 7)
    see(aliases)
    answers["leaf"] = ids(cursor, "select id from ward.person where doc->'name'->>'family' = ? order by id", family)
    answers["number leaf"] = ids(cursor, "select id from ward.person where doc->>'mrn' = ? order by id", number)
    answers["leaf is column"] = ids(cursor, "select id from ward.person where nickname = ? order by id", family)
    answers["alias"] = ids(cursor, "select id from ward.person where ? = any(aliases) order by id", aliases[0])
    answers["joined leaf"] = ids(
        cursor,
        "select p.id from ward.person p join ward.person q on q.nickname = p.doc->'name'->>'family' where q.nickname = ? order by p.id, q.id",
        family,
    )
    cursor.execute(f"update ward.person set aliases = {MARK}::text[] where id = 20", ([aliases[0], None, family],))
    cursor.execute(f"update ward.person set doc = {MARK} where id = 20", (Jsonb(document),))
    cursor.execute(f"update ward.visit set doc = {MARK} where id = 20", (Jsonb([document, document]),))


def transactions(connection, cursor):
    name = value_of(cursor, "full_name", 7)
    with connection.transaction(force_rollback=True):
        cursor.execute(f"update ward.visit set full_name = {MARK} where id = 44", (name,))
        answers["inside"] = ids(cursor, "select id from ward.visit where full_name = ? order by id", name)
    with connection.transaction():
        cursor.execute(f"update ward.visit set full_name = {MARK} where id = 45", (name,))
        with connection.transaction(force_rollback=True):
            cursor.execute(f"delete from ward.visit where full_name = {MARK}", (name,))
            answers["none left"] = ids(cursor, "select id from ward.visit where full_name = ?", name)
    answers["after"] = ids(cursor, "select id from ward.visit where full_name = ? order by id", name)
    with connection.transaction(), connection.cursor("held", binary=BINARY) as held:
        held.itersize = 2
        held.execute("select id, full_name from ward.visit where full_name = %s order by id", (name,))
        answers["cursor"] = [(row[0], see(row[1]) == name) for row in held]


def pipelined(connection, cursor):
    names = [value_of(cursor, "full_name", person) for person in range(12)]
    with connection.pipeline():
        found = [
            connection.execute(f"select id from ward.person where full_name = {MARK} order by id", (name,), binary=BINARY)
            for name in names
        ]
        answers["pipeline"] = [[row[0] for row in each.fetchall()] for each in found]
    with connection.pipeline():
        for index, name in enumerate(names):
            connection.execute(f"update ward.visit set full_name = {MARK}, kind = 'piped' where id = {MARK}", (name, index))
    with connection.pipeline():
        looked = connection.execute("select full_name from ward.person where id in (16, 18) order by id", binary=BINARY)
        connection.execute("select 1")
        first = [see(row[0]) for row in looked.fetchall()]
        again = connection.execute(f"select id from ward.person where full_name = any({MARK}) order by id", (first,))
        answers["looked up in a pipeline"] = [row[0] for row in again.fetchall()]


def copied(connection, cursor):
    with cursor.copy("copy (select id + 600, kind, full_name, ssn, record_no, external from ward.visit where id < 20 order by id) to stdout") as out:
        rows = [list(map(bytes.decode, map(bytes, [line])))[0] for line in out]
    for row in rows:
        see(row)
    with cursor.copy("copy ward.visit (id, kind, full_name, ssn, record_no, external) from stdin") as into:
        for row in rows:
            into.write(row)
    people = cursor.execute("select full_name, ssn, record_no from ward.person where id in (6, 8) order by id").fetchall()
    with cursor.copy("copy ward.visit (id, full_name, ssn, record_no) from stdin") as into:
        for index, row in enumerate(people):
            into.write_row((700 + index, *row))
    answers["copied"] = ids(
        cursor, "select id from ward.visit where full_name = any(?) and id >= 600 order by id", [row[0] for row in people]
    )


def main():
    with psycopg.connect("", autocommit=True) as connection, connection.cursor(binary=BINARY) as cursor:
        documents(cursor)
        transactions(connection, cursor)
        pipelined(connection, cursor)
        insert(cursor)
        copied(connection, cursor)
        for column in COLUMNS:
            answers[column] = look_up(cursor, column)
    json.dump({"answers": answers, "shown": shown}, sys.stdout)


main()
