"""Reads a database's metadata as Python clients do, and prints what it saw: one JSON object, a member a question.

    reflect.py CLIENT SCHEMA…

The connection comes from the environment (PGHOST and so on). What fails is printed with the error's class and SQLSTATE.
"""

import asyncio
import json
import os
import re
import sys
from urllib.parse import quote


def url(driver):
    user, password = os.environ["PGUSER"], quote(os.environ["PGPASSWORD"], safe="")
    place = f"{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"
    return f"postgresql+{driver}://{user}:{password}@{place}"


def plain(value):
    """What JSON can say of it, in a fixed order where Python has none."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(one) for one in value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return type(value).__name__ if " at 0x" in repr(value) else repr(value)


def problem(error):
    origin = getattr(error, "orig", None) or error
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    return {"error": type(error).__name__, "sqlstate": state, "text": str(origin) if "--errors" in sys.argv else None}


class Answers(dict):
    def ask(self, name, question):
        try:
            self[name] = plain(question())
        except Exception as error:  # Whatever a client throws is its answer.
            self[name] = problem(error)


def sqlalchemy_inspector(driver, schemas, answers):
    from sqlalchemy import MetaData, create_engine, inspect
    from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
    from sqlalchemy.pool import NullPool
    from sqlalchemy.schema import CreateTable

    engine = create_engine(url(driver), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    inspector = inspect(engine)
    answers.ask("default schema", lambda: inspector.default_schema_name)
    answers.ask("schemas", inspector.get_schema_names)
    answers.ask("temporary", lambda: [inspector.get_temp_table_names(), inspector.get_temp_view_names()])
    whole = ["table_names", "view_names", "materialized_view_names", "foreign_table_names", "sequence_names", "enums", "domains"]
    each = ["columns", "pk_constraint", "foreign_keys", "indexes", "unique_constraints", "check_constraints", "table_comment"]
    for schema in schemas:
        for kind in whole:
            answers.ask(f"{schema}: {kind}", lambda: getattr(inspector, f"get_{kind}")(schema=schema))
        answers.ask(
            f"{schema}: tables and keys",
            # Tables by dependency; the keys of one table come in any order.
            lambda: [[name, sorted(keys)] for name, keys in inspector.get_sorted_table_and_fkc_names(schema=schema)],
        )
        for kind in [*each, "table_options"]:
            answers.ask(
                f"{schema}: all {kind}",
                lambda: getattr(inspector, f"get_multi_{kind}")(
                    schema=schema, kind=ObjectKind.ANY, scope=ObjectScope.ANY
                ),
            )
        for name in [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]:
            # One at a time they are other statements.
            fresh = inspect(engine)
            for kind in [*each, "table_options", "table_oid"]:
                answers.ask(f"{schema}.{name}: {kind}", lambda: getattr(fresh, f"get_{kind}")(name, schema=schema))
            answers.ask(f"{schema}.{name}: there", lambda: fresh.has_table(name, schema=schema))
            answers.ask(f"{schema}.{name}: index", lambda: fresh.has_index(name, "person_upper", schema=schema))
        for name in inspector.get_view_names(schema=schema):
            answers.ask(f"{schema}.{name}: definition", lambda: inspector.get_view_definition(name, schema=schema))
        answers.ask(f"{schema}: sequence", lambda: inspector.has_sequence("ticket", schema=schema))

        def reflected():
            metadata = MetaData()
            metadata.reflect(engine, schema=schema, views=True)
            return [str(CreateTable(table).compile(engine)) for table in metadata.sorted_tables]

        answers.ask(f"{schema}: reflected", reflected)
    engine.dispose()


def django_inspectdb(schemas, answers):
    import io

    import django
    from django.conf import settings
    from django.core.management import call_command

    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ["PGPASSWORD"],
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        # inspectdb sees what the search path has.
        "OPTIONS": {"options": f"-c search_path={','.join(schemas)}"},
    }
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["django.contrib.postgres"], USE_TZ=True)
    django.setup()
    from django.db import connection

    def inspected():
        output = io.StringIO()
        call_command("inspectdb", "--include-views", "--include-partitions", stdout=output)
        # The text of an error of the server is withheld from who sees PHI masked.
        return re.sub(r"# The error was: .*", "# The error was: …", output.getvalue())

    answers.ask("inspectdb", inspected)
    introspection = connection.introspection
    with connection.cursor() as cursor:
        answers.ask("table list", lambda: introspection.get_table_list(cursor))
        for table in [one.name for one in introspection.get_table_list(cursor)]:
            answers.ask(f"{table}: description", lambda: introspection.get_table_description(cursor, table))
            answers.ask(f"{table}: constraints", lambda: introspection.get_constraints(cursor, table))
            answers.ask(f"{table}: relations", lambda: introspection.get_relations(cursor, table))
            answers.ask(f"{table}: sequences", lambda: introspection.get_sequences(cursor, table))


def psycopg_types(schemas, answers):
    import psycopg
    from psycopg.types import TypeInfo
    from psycopg.types.composite import CompositeInfo, register_composite
    from psycopg.types.enum import EnumInfo, register_enum
    from psycopg.types.multirange import MultirangeInfo
    from psycopg.types.range import RangeInfo, register_range

    with psycopg.connect("", autocommit=True) as connection:
        for kind, name in [
            (TypeInfo, "gallery.code"),
            (TypeInfo, "gallery.person"),
            (CompositeInfo, "gallery.place"),
            (EnumInfo, "gallery.mood"),
            (RangeInfo, "gallery.span"),
            (MultirangeInfo, "gallery.multispan"),
            (TypeInfo, "gallery.nothing"),
        ]:
            answers.ask(f"{kind.__name__} {name}", lambda: vars(kind.fetch(connection, name) or object))
        register_composite(CompositeInfo.fetch(connection, "gallery.place"), connection)
        register_enum(EnumInfo.fetch(connection, "gallery.mood"), connection)
        register_range(RangeInfo.fetch(connection, "gallery.span"), connection)
        for binary in (False, True):
            values = "SELECT ('High Street', '12345', NULL)::gallery.place, 'ill'::gallery.mood, '[1,2]'::gallery.span"
            answers.ask(f"values, binary {binary}", lambda: connection.cursor(binary=binary).execute(values).fetchall())
        answers.ask(
            "described",
            lambda: [
                [column.name, column.type_code, column.type_display]
                for column in connection.execute("SELECT * FROM gallery.clinic LIMIT 0").description
            ],
        )


def asyncpg_types(schemas, answers):
    import asyncpg

    async def run():
        connection = await asyncpg.connect(ssl=False)
        questions = {
            "composite": "SELECT $1::gallery.place AS value",
            "row of a table": "SELECT NULL::gallery.clinic AS value",
            "array of an enum": "SELECT array['ill']::gallery.mood[] AS value",
            "range": "SELECT '[1,2]'::gallery.span AS value",
            "domain": "SELECT 'x'::gallery.code AS value",
            "stored": "SELECT code, opened FROM gallery.clinic ORDER BY id",
            "masked": "SELECT home, moods, dose, mood FROM gallery.person LIMIT 0",
        }

        async def types(sql):
            statement = await connection.prepare(sql)
            arguments = [("High Street", "12345", None)] if "$1" in sql else []
            rows = await statement.fetch(*arguments)
            described = [[one.name, one.type.name, one.type.kind] for one in statement.get_attributes()]
            return {"attributes": described, "rows": [dict(row) for row in rows]}

        for name, sql in questions.items():
            try:
                answers[name] = plain(await types(sql))
            except Exception as error:
                answers[name] = problem(error)
        try:
            await connection.set_type_codec("mood", schema="gallery", encoder=str, decoder=str)
            await connection.set_builtin_type_codec("code", schema="gallery", codec_name="text")
            answers["codecs"] = "set"
        except Exception as error:
            answers["codecs"] = problem(error)
        answers["version"] = plain(connection.get_server_version())
        await connection.close()

    asyncio.run(run())


CLIENTS = {
    "sqlalchemy-psycopg": lambda schemas, answers: sqlalchemy_inspector("psycopg", schemas, answers),
    "sqlalchemy-psycopg2": lambda schemas, answers: sqlalchemy_inspector("psycopg2", schemas, answers),
    "django": django_inspectdb,
    "psycopg": psycopg_types,
    "asyncpg": asyncpg_types,
}


def main():
    client, *schemas = [one for one in sys.argv[1:] if not one.startswith("--")]
    answers = Answers()
    CLIENTS[client](schemas, answers)
    json.dump(answers, sys.stdout)


main()
