"""Work on documents as programs have them: text, tables and messages, of which a training run counts what repeats.

`WORK` is what is done and how often. It is the same in every run of a version: random numbers have a seed, and in a
build hashes, too.
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
import pickle
import re
import statistics
import string
import struct
import tempfile
import textwrap
import unicodedata
import urllib.parse
import zlib

from texts import FOREIGN, RECORDS, TEXT, sources


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
        for text in (TEXT, *FOREIGN, *itertools.islice(sources(), 3)):
            compiled.findall(text)
    for text in sources():
        re.sub(r"#.*", "", text)
        re.split(r"\W+", text)
        re.sub(r"\b(\w)(\w*)\b", lambda found: found.group(1).upper() + found.group(2), text[:20000])


def strings():
    for text in (TEXT, *FOREIGN, *sources()):
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
    data = "\n".join([TEXT, *FOREIGN]).encode("utf-8")
    for size in (20, 300, 4000, len(data)):
        part = data[:size]
        for _ in range(20):
            base64.b64decode(base64.b64encode(part)), binascii.unhexlify(binascii.hexlify(part)), zlib.crc32(part)
            bytes.fromhex(part.hex()), bytearray(part).replace(b"the", b"a"), part.split(), part.find(b"configuration")
            hashlib.sha256(part).hexdigest(), hashlib.sha1(part).digest(), memoryview(part)[5:].tobytes()
    for number in range(2000):
        struct.unpack("<IhdB4s", struct.pack("<IhdB4s", number, number % 99, number / 7, number % 255, b"abcd"))
    b"".join([data[:50]] * 100), int.from_bytes(data[:40], "big").to_bytes(40, "little")


def files():
    stream = io.BytesIO(TEXT.encode("utf-8"))
    while stream.read(1000):
        pass
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        for text in (TEXT, *FOREIGN):
            for line in text.splitlines():
                file.write(line + "\n")
        file.seek(0)
        for line in file:
            line.rstrip("\n")
        file.seek(0)
        while file.readline():
            pass


def characters():
    for text in (TEXT[:5000], *FOREIGN):
        for form in ("NFC", "NFD", "NFKC"):
            unicodedata.normalize(form, text)
        for one in text[:500]:
            unicodedata.category(one), one.isalpha(), one.isspace(), ord(one)


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
    files: 40,
    characters: 60,
    copies: 15,
    days: 20,
    trees_of_elements: 20,
    tables_of_sql: 20,
    sums_of_money: 30,
}
