"""Fills a bed by a statement that is held, and prints what came of it as JSON.

Arguments: the id of the bed, and what to do: "once" in a transaction block of psycopg, "auto" with autocommit, "prepared" as a statement
that the server keeps. The connection comes from the environment.
"""

import json
import sys

import psycopg

bed, how = int(sys.argv[1]), sys.argv[2]
told = []

with psycopg.connect(autocommit=how != "once") as connection:
    connection.add_notice_handler(lambda notice: told.append(notice.message_primary))
    answer = {"code": None, "message": None, "rows": None}
    try:
        cursor = connection.execute(
            "update held.bed set kind = %s where id = %s returning id, kind", ("icu", bed), prepare=how == "prepared"
        )
        answer["rows"] = cursor.fetchall()
    except psycopg.Error as error:
        answer["code"], answer["message"] = error.sqlstate, str(error)
    if how == "once":
        connection.commit() if answer["rows"] else connection.rollback()
    answer["after"] = connection.execute("select kind from held.bed where id = %s", (bed,)).fetchone()[0]
    print(json.dumps({**answer, "told": told}))
