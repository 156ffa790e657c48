"""`panah flows extract`: every text of the scripts as a gettext catalogue for translators.

The source's catalogue has no translations. Those of other languages are brought in step with it (`--language` makes a
new one): what is translated stays, new texts come empty, and a text whose Persian changed keeps its old translation
marked fuzzy, which nobody is shown.
The same scripts give the same bytes.
"""

import argparse
import io
import re
import sys
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.flows_check import directory_of
from bot.content import load_or_refuse
from bot.engine.model import Bundle
from bot.engine.spoken import spoken
from bot.errors import CommandError
from bot.i18n import LOCALES, SOURCE, catalogue_path, catalogues

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

#: Where the source catalogue lives.
CATALOGUE = LOCALES / SOURCE / "LC_MESSAGES" / "flows.po"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
_REVIEWER = re.compile(r"X-Reviewed-By:([^\\\n]*)")
_HEADER = """\
# The words of Panah's scripts. Written by `panah flows extract`: edit the scripts, not this file.
msgid ""
msgstr ""
"Project-Id-Version: panah\\n"
"Language: fa\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_REMARK = """\
# What Panah's scripts say, for translators. `panah flows extract` keeps it in step with the scripts.
# Whoever has looked at all of it, names herself in X-Reviewed-By; until then it is shown to staff as unreviewed.
"""
_OTHER_HEADER = """\
{remark}msgid ""
msgstr ""
"Project-Id-Version: panah\\n"
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"X-Reviewed-By: {reviewer}\\n"

"""


def extract(args: argparse.Namespace) -> int:
    """Write the catalogues of a directory of scripts; where a language or a file is named, that one."""
    language = args.language or SOURCE
    if not _LANGUAGE.fullmatch(language):
        raise CommandError(f"{language} is no language; write it as ckb or fa-AF")
    bundle = load_or_refuse(directory_of(args.directory))
    if args.to == "-":
        sys.stdout.write(_written_for(bundle, language, catalogue_path(language)))
        return 0
    every = [] if args.to or args.language else list(catalogues())
    for one in (language, *every):
        target = Path(args.to) if args.to else catalogue_path(one)
        written = _written_for(bundle, one, target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(written, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"cannot write {target}: {error.strerror}") from error
    return 0


def _written_for(bundle: Bundle, language: str, target: Path) -> str:
    if language == SOURCE:
        return catalogue_of(bundle)
    return merged(bundle, language, target.read_text(encoding="utf-8") if target.is_file() else "")


def catalogue_of(bundle: Bundle) -> str:
    """Give the source catalogue of compiled scripts."""
    catalogue = _template(bundle, SOURCE)
    return _HEADER + _written(catalogue)


def merged(bundle: Bundle, language: str, old: str) -> str:
    """Give a language's catalogue: what `old` translates is kept, and marked fuzzy where its Persian changed."""
    catalogue = _template(bundle, language)
    before = _read(old)
    by_place = {message.context: message for message in before if message.id}
    by_text = {message.id: message for message in before if message.id and message.string and not message.fuzzy}
    for message in catalogue:
        if not message.id:
            continue
        place = by_place.get(message.context)
        same = place if place is not None and place.id == message.id and place.string else by_text.get(message.id)
        if same is not None:
            message.string = same.string
            message.flags |= same.flags & {"fuzzy"}
        elif place is not None and place.string:
            message.string = place.string
            message.flags.add("fuzzy")
    reviewer = _REVIEWER.search(old)
    header = _OTHER_HEADER.format(
        remark="".join(takewhile(lambda line: line.startswith("#"), old.splitlines(keepends=True))) or _REMARK,
        locale=language.replace("-", "_"),
        reviewer=reviewer.group(1).strip() if reviewer else "",
    )
    return header + _written(catalogue)


def _template(bundle: Bundle, language: str) -> "Catalog":
    try:
        from babel.messages.catalog import Catalog  # noqa: PLC0415 - a tool of whoever translates, not of a server
    except ImportError as error:
        raise CommandError("`panah flows extract` needs the package babel") from error
    catalogue = Catalog(locale=SOURCE if language == SOURCE else None, charset="utf-8")
    for context, text, note in spoken(bundle):
        catalogue.add(text, context=context, auto_comments=[note] if note else [])
    return catalogue


def _read(old: str) -> "Catalog":
    from babel.messages.pofile import read_po  # noqa: PLC0415

    return read_po(io.BytesIO(old.encode("utf-8")), ignore_obsolete=True)


def _written(catalogue: "Catalog") -> str:
    from babel.messages.pofile import write_po  # noqa: PLC0415

    out = io.BytesIO()
    write_po(out, catalogue, width=0, omit_header=True)
    return out.getvalue().decode("utf-8").strip("\n") + "\n"
