"""Works on a ward through SQLAlchemy's ORM with what it is given, values or tokens, and prints what came of it as JSON.

The only argument is the driver (psycopg, psycopg2); the connection comes from the environment (PGHOST and so on).
"""

import json
import sys
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Numeric, String, Text, create_engine, delete, func, insert, literal_column, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB, insert as upsert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

answers = {}
shown = []


class Base(DeclarativeBase):
    pass


class Identifiers:
    full_name: Mapped[str | None] = mapped_column(Text)
    nickname: Mapped[str | None] = mapped_column(String(40))
    ward_code: Mapped[str | None] = mapped_column(CHAR(24))
    ssn: Mapped[str | None] = mapped_column(String(11))
    email: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    record_no: Mapped[int | None]
    account: Mapped[int | None] = mapped_column(BigInteger)
    policy: Mapped[Decimal | None] = mapped_column(Numeric(12, 0))
    external: Mapped[UUID | None]


class Person(Identifiers, Base):
    __tablename__ = "person"
    __table_args__ = {"schema": "ward"}
    id: Mapped[int] = mapped_column(primary_key=True)
    grp: Mapped[int]
    doc: Mapped[dict | None] = mapped_column(JSONB)
    aliases: Mapped[list[str] | None] = mapped_column(ARRAY(Text))


class Visit(Identifiers, Base):
    __tablename__ = "visit"
    __table_args__ = {"schema": "ward"}
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str | None]
    doc: Mapped[dict | None] = mapped_column(JSONB)
    note: Mapped[str | None]


COLUMNS = [column for column in Person.__mapper__.columns.keys() if column in Visit.__mapper__.columns.keys()]
COLUMNS = [column for column in COLUMNS if column not in ("id", "doc")]


def see(value):
    shown.append(str(value))
    return value


def ids(session, statement):
    return list(session.scalars(statement))


def look_up(session, name, seven, nine):
    column, visited = getattr(Person, name), getattr(Visit, name)
    value, other = see(getattr(seven, name)), see(getattr(nine, name))
    people = select(Person.id).order_by(Person.id)
    near = aliased(Person)
    return {
        "equal": ids(session, people.where(column == value)),
        "unequal": ids(session, people.where(column != value)),
        "in": ids(session, people.where(column.in_([value, other]))),
        "not in": ids(session, people.where(column.not_in([value, other]))),
        "or": ids(session, people.where(or_(column == value, column == other, Person.id == 0))),
        "distinct": ids(session, people.where(column.is_distinct_from(value))),
        "tuples": ids(session, people.where(tuple_(column, Person.grp).in_([(value, 0), (other, 2), (value, 1)]))),
        "join": ids(session, select(Visit.id).join(Person, visited == column).where(column == value).order_by(Visit.id)),
        "self join": ids(session, select(near.id).join(Person, getattr(near, name) == column).where(Person.id == 7).order_by(near.id)),
        "exists": ids(session, people.where(select(Visit.id).where(visited == column, visited == value).exists())),
        "subquery": ids(session, people.where(column.in_(select(visited).where(visited == value)))),
        "filtered": list(map(int, session.execute(select(func.count().filter(column == value), func.count(column.distinct()))).one())),
        "updated": session.execute(update(Visit).where(visited == value).values(kind="seen")).rowcount,
        "stored": session.execute(update(Visit).where(Visit.id == 40).values({name: other})).rowcount,
    }


def work(session):
    three, seven, nine = session.scalars(select(Person).where(Person.id.in_([3, 7, 9])).order_by(Person.id)).all()
    for name in COLUMNS:
        answers[name] = look_up(session, name, seven, nine)
    session.commit()

    # The unit of work: what it reads it writes back, in batches.
    def row(person, **more):
        return {**{name: getattr(person, name) for name in COLUMNS}, **more}

    session.add_all(Visit(**row([three, seven, nine][n % 3], id=500 + n, kind="unit")) for n in range(25))
    session.flush()
    session.execute(insert(Visit), [row([three, seven, nine][n % 3], id=600 + n, kind="many") for n in range(15)])
    session.commit()
    visit = session.get(Visit, 44)
    visit.full_name, visit.record_no, visit.ssn = seven.full_name, seven.record_no, seven.ssn
    person = session.get(Person, 20)
    see(person.doc)
    person.doc = {**seven.doc, "active": False}
    person.aliases = [seven.nickname, nine.nickname]
    person.external = seven.external
    session.commit()
    answers["read back"] = [visit.full_name == seven.full_name, visit.ssn == seven.ssn, person.external == seven.external]
    see([visit.full_name, person.doc, person.aliases])

    statement = upsert(Visit).values([row(nine, id=500, kind="new"), row(three, id=700, kind="new")])
    statement = statement.on_conflict_do_update(
        index_elements=[Visit.id], set_={"full_name": statement.excluded.full_name, "kind": "changed"}
    ).returning(Visit.id, Visit.full_name)
    answers["upserted"] = [(found.id, see(found.full_name) in (nine.full_name, three.full_name)) for found in session.execute(statement)]
    answers["copied"] = session.execute(
        insert(Visit).from_select(
            ["id", *COLUMNS], select(Person.id + 800, *(getattr(Person, name) for name in COLUMNS)).where(Person.phone == seven.phone)
        )
    ).rowcount
    # Which part of a document is meant must stand in the statement.
    family = literal_column("ward.person.doc -> 'name' ->> 'family'", Text)
    answers["leaf"] = ids(session, select(Person.id).where(family == seven.doc["name"]["family"]).order_by(Person.id))
    answers["alias"] = ids(session, select(Person.id).where(Person.aliases.any_() == seven.aliases[0]).order_by(Person.id))
    session.commit()

    with session.begin_nested() as savepoint:
        session.execute(delete(Visit).where(Visit.full_name == seven.full_name))
        answers["none left"] = ids(session, select(Visit.id).where(Visit.full_name == seven.full_name))
        savepoint.rollback()
    answers["after"] = ids(session, select(Visit.id).where(Visit.full_name == seven.full_name).order_by(Visit.id))
    answers["groups"] = [
        [count, first] for _, count, first in session.execute(
            select(Visit.email, func.count(), func.min(Visit.id)).group_by(Visit.email).order_by(func.min(Visit.id))
        )
    ]
    session.commit()


def main():
    engine = create_engine(f"postgresql+{sys.argv[1]}://")
    with Session(engine) as session:
        work(session)
    json.dump({"answers": answers, "shown": shown}, sys.stdout)


main()
