"""Work on documents as programs have them: text, tables and messages, of which a training run counts what repeats.

`WORK` is what is done and how often. What happens in it depends on the version of Python alone: random numbers have a seed.
"""

import base64
import binascii
import collections
import copy
import csv
import datetime
import hashlib
import html
import io
import itertools
import json
import operator
import os
import pickle
import random
import re
import statistics
import string
import struct
import textwrap
import urllib.parse
import zlib

WORDS = """
the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all
their there been many some time very when much would like more them other only its into than first two may then do any
information language development understanding configuration international relationship communication environment
Zürich café naïve señor Straße østlig Łódź Ελλάδα Москва 東京 한국어 مرحبا 🐍 “quoted” it’s –
""".split()
SOME = random.Random(20)


def sentence(words=12):
    """Some words, mostly of ASCII."""
    return " ".join(SOME.choice(WORDS[:72] if SOME.random() < 0.9 else WORDS) for _ in range(words))


def record(number):
    """What an interface of a shop or a forum would answer."""
    return {
        "id": number,
        "name": sentence(3).title(),
        "e-mail": "user%d@mail.example" % number,
        "text": sentence(40),
        "price": round(SOME.uniform(1, 1000), 2),
        "tags": [SOME.choice(WORDS) for _ in range(5)],
        "active": number % 3 == 0,
        "parent": None if number % 4 else number // 4,
        "position": {"latitude": SOME.uniform(-90, 90), "longitude": SOME.uniform(-180, 180)},
        "created": "2024-%02d-%02dT%02d:%02d:%02d+00:00"
        % (number % 12 + 1, number % 28 + 1, number % 24, number % 60, number % 59),
    }


RECORDS = [record(number) for number in range(300)]
TEXT = "\n".join(sentence(SOME.randrange(5, 20)) for _ in range(1500))
ASCII = TEXT.encode("ascii", "ignore").decode()


def sources():
    """Modules of the standard library as texts."""
    folder = os.path.dirname(os.__file__)
    for name in (
        "argparse",
        "ast",
        "calendar",
        "dataclasses",
        "decimal",
        "inspect",
        "logging/__init__",
        "pathlib",
        "shutil",
        "typing",
    ):
        path = os.path.join(folder, name + ".py")
        if os.path.exists(path):
            with io.open(path, encoding="utf-8") as stream:
                yield stream.read()


def documents_of_json():
    for options in ({}, {"indent": 2}, {"ensure_ascii": False}, {"sort_keys": True, "separators": (",", ":")}):
        text = json.dumps(RECORDS, **options)
        json.loads(text)
        json.loads(text.encode("utf-8"))
    for one in RECORDS:
        json.loads(json.dumps(one))


def tables():
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["id", "name", "text", "price", "created"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(RECORDS)
    stream.seek(0)
    rows = list(csv.DictReader(stream))
    by_name = sorted(rows, key=operator.itemgetter("name", "id"))
    for _, group in itertools.groupby(by_name, key=lambda row: row["name"][:1]):
        statistics.mean(float(row["price"]) for row in group)


def patterns():
    line = re.compile(
        r'(?P<host>\S+) - (?P<user>\S+) \[(?P<day>[^\]]+)\] "(?P<verb>[A-Z]+) (?P<path>[^ "]+)[^"]*" (\d{3}) (\d+|-)'
    )
    log = [
        '192.0.2.%d - user%d [%s] "GET /%s?page=%d HTTP/1.1" 200 %d'
        % (one["id"] % 256, one["id"], one["created"], one["tags"][0], one["id"], one["id"] * 17)
        for one in RECORDS
    ]
    for text in log:
        line.match(text).groupdict()
    for pattern in (
        r"\b\w+ing\b",
        r"[A-Za-z]+",
        r"\d+(?:\.\d+)?",
        r"(?i)the|and",
        r"^\s*(?:def|class)\s+(\w+)",
        r"\S+@\S+\.\w+",
    ):
        compiled = re.compile(pattern, re.MULTILINE)
        for text in (TEXT, *itertools.islice(sources(), 3)):
            compiled.findall(text)
    for text in sources():
        re.sub(r"#.*", "", text)
        re.split(r"\W+", text)
        re.sub(r"\b(\w)(\w*)\b", lambda found: found.group(1).upper() + found.group(2), text[:20000])


def strings():
    for text in (TEXT, ASCII, *sources()):
        for line in text.splitlines():
            words = line.strip().split()
            " ".join(reversed(words)).replace("the", "THE").partition(" ")
            line.lower().startswith("def "), line.upper().endswith(":"), line.find("self"), line.rfind("e"), "in" in line
            line.casefold(), line.title(), line.isalnum(), line.count("e"), line.expandtabs(), line.zfill(20), line.center(90)
            line.encode("utf-8").decode("utf-8"), line.encode("utf-16").decode("utf-16")
            (
                "%s: %d %r" % (line, len(line), line),
                "{:>40} {:08.3f} {!r}".format(line, len(line) / 3, words),
                f"{line:<40}{len(words):5d}",
            )
            hash(line[1:]), line[::2], line[5:15], line == line[:], line < text[:80], line + line, line.translate({101: "E"})
        collections.Counter(re.findall(r"\w+", text)).most_common(20)
        (
            text.encode("utf-8").decode("utf-8"),
            text.encode("latin-1", "replace").decode("latin-1"),
            text.encode("ascii", "ignore"),
        )
    for one in RECORDS:
        html.unescape(html.escape(one["text"])), textwrap.fill(one["text"], 60), string.Template("$name: $text").substitute(one)
        urllib.parse.parse_qs(urllib.parse.urlencode({key: str(one[key]) for key in ("name", "text", "id")}))
        urllib.parse.urlsplit("https://example.org/%s?q=%d#top" % (one["tags"][0], one["id"]))


def orders():
    words = TEXT.split()
    (
        sorted(words),
        sorted(words, key=str.lower),
        sorted(RECORDS, key=operator.itemgetter("name")),
        sorted(set(words), reverse=True),
    )
    for one in RECORDS:
        sorted(one), sorted(one["text"].split()), sorted(one["tags"], key=len)
        sorted((len(word), word) for word in one["text"].split()), min(one["text"].split()), max(one["tags"])


def octets():
    data = TEXT.encode("utf-8")
    for size in (20, 300, 4000, len(data)):
        part = data[:size]
        for _ in range(20):
            base64.b64decode(base64.b64encode(part)), binascii.unhexlify(binascii.hexlify(part)), zlib.crc32(part)
            bytes.fromhex(part.hex()), bytearray(part).replace(b"the", b"a"), part.split(), part.find(b"configuration")
            hashlib.sha256(part).hexdigest(), hashlib.md5(part).digest(), memoryview(part)[5:].tobytes()
    for number in range(2000):
        struct.unpack("<IhdB4s", struct.pack("<IhdB4s", number, number % 99, number / 7, number % 255, b"abcd"))
    stream = io.BytesIO(data)
    while stream.read(1000):
        pass
    for line in io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"):
        line.rstrip("\n")


def copies():
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        pickle.loads(pickle.dumps(RECORDS, protocol))
        for one in RECORDS[:100]:
            pickle.loads(pickle.dumps(one, protocol))
    copy.deepcopy(RECORDS[:50])
    list(map(copy.copy, RECORDS))


def days():
    for one in RECORDS:
        day = datetime.datetime.strptime(one["created"][:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
        later = datetime.datetime.fromisoformat(one["created"]) + datetime.timedelta(days=one["id"], seconds=7)
        (later - day).total_seconds(), later.isoformat(), later.strftime("%d.%m.%Y"), later.date().weekday(), later > day


def trees_of_elements():
    from xml.etree import ElementTree

    root = ElementTree.Element("records")
    for one in RECORDS:
        child = ElementTree.SubElement(root, "record", id=str(one["id"]), name=one["name"])
        ElementTree.SubElement(child, "text").text = one["text"]
    again = ElementTree.fromstring(ElementTree.tostring(root, encoding="utf-8"))
    for child in again.iter("record"):
        child.get("name"), child.findtext("text")


def tables_of_sql():
    import sqlite3

    with sqlite3.connect(":memory:") as database:
        database.execute("create table record (id integer primary key, name text, text text, price real)")
        rows = [(one["id"], one["name"], one["text"], one["price"]) for one in RECORDS]
        database.executemany("insert into record values (?, ?, ?, ?)", rows)
        database.execute("create index by_name on record (name)")
        for one in RECORDS:
            database.execute("select * from record where name = ?", (one["name"],)).fetchall()
        database.execute("select name, count(*), avg(price) from record group by name order by 2 desc").fetchall()


def sums_of_money():
    from decimal import ROUND_HALF_UP, Decimal

    total = Decimal(0)
    for one in RECORDS * 5:
        price = Decimal(str(one["price"]))
        total += (price * Decimal("1.19")).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        str(total), format(total, ",.2f"), price > total


# What is done, and how often: about a tenth of a second each, without counting
WORK = {
    documents_of_json: 5,
    tables: 30,
    patterns: 1,
    strings: 1,
    orders: 10,
    octets: 3,
    copies: 15,
    days: 20,
    trees_of_elements: 20,
    tables_of_sql: 20,
    sums_of_money: 30,
}
