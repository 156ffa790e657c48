"""The audit is verified page by page, on both databases, with the same verdict as in one piece."""

import pytest

from bot.store.audit import Verdict, append, let_go, verify

ROWS = 12
KEY = b"k" * 32


@pytest.fixture
def chain(store):
    store.audit_key = KEY

    def add(tx):
        for number in range(ROWS):
            append(tx, actor="a", action="read", target="case", target_id=f"c{number}", at=1_000 + number)

    store.write_now(add)
    return store


@pytest.mark.parametrize("page", [1, 5, ROWS, ROWS + 1])
def test_whatever_a_page_holds_the_whole_chain_is_walked(chain, page):
    assert Verdict(rows=ROWS) == chain.read_now(lambda db: verify(db, KEY, page=page))


def test_a_row_that_does_not_hold_is_found_on_a_later_page(chain):
    def add_a_false_one(tx):
        tx.audit_key = b"x" * 32
        append(tx, actor="b", action="read", target="case", at=2_000)

    chain.write_now(add_a_false_one)

    assert ROWS + 1 == chain.read_now(lambda db: verify(db, KEY, page=5)).broken


def test_a_chain_whose_first_rows_went_by_age_is_walked_from_where_it_begins(chain):
    chain.write_now(lambda tx: let_go(tx, {"from": 0, "to": 7}))

    assert Verdict(rows=ROWS - 7) == chain.read_now(lambda db: verify(db, KEY, page=2))


def test_no_page_is_larger_than_was_asked_for(chain):
    sizes = []

    class Counts:
        def __init__(self, db):
            self._db = db

        def exec_driver_sql(self, sql, *values):
            found = self._db.exec_driver_sql(sql, *values)
            if "prev, mac FROM audit " in sql:
                rows = found.all()
                sizes.append(len(rows))
                return type("Rows", (), {"all": lambda _: rows, "__iter__": lambda _: iter(rows)})()
            return found

    chain.read_now(lambda db: verify(Counts(db), KEY, page=5))

    assert [5, 5, 2] == sizes
