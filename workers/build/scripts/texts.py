"""Texts and records of the length, alphabets and punctuation that programs meet: in one language each, most in ASCII."""

import io
import os
import random

LANGUAGES = {
    "English": """
        the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you
        were all their there been many some time very when much would like more them other only its into than first two may
        information language development understanding configuration international relationship communication environment
    """.split(),
    "German": "der die und in den von zu das mit sich für über Straße größer können möchte natürlich Zürich café señor".split(),
    "Russian": "и в не на что быть с он как это Москва Россия человек время работа жизнь можно сказать".split(),
    "Chinese": "的 一 是 不 了 在 人 有 我 他 這 東京 中國 大學 時間 語言 開發 環境".split(),
}
OTHERS = ("German", "Russian", "Chinese")
SOME = random.Random(20)


def sentence(words=12, language="English"):
    """Words of one language with a comma and a stop; a third have what has to be quoted or escaped somewhere, too."""
    found = [SOME.choice(LANGUAGES[language]) for _ in range(words)]
    found[words // 2] += ","
    if SOME.random() < 0.3:
        found[words // 3] = SOME.choice(('"quoted"', "it's", "R&D", "<b>bold</b>", "a\\b", "two\nlines", "a\ttab", "50%"))
    return " ".join(found) + "."


def record(number):
    """What an interface of a shop or a forum would answer; one of five is not in English."""
    language = "English" if number % 5 else OTHERS[number // 5 % len(OTHERS)]
    return {
        "id": number,
        "name": sentence(3, language).title(),
        "e-mail": "user%d@mail.example" % number,
        "text": sentence(40, language),
        "price": round(SOME.uniform(1, 1000), 2),
        "tags": [SOME.choice(LANGUAGES[language]) for _ in range(5)],
        "active": number % 3 == 0,
        "parent": None if number % 4 else number // 4,
        "position": {"latitude": SOME.uniform(-90, 90), "longitude": SOME.uniform(-180, 180)},
        "created": "2024-%02d-%02dT%02d:%02d:%02d+00:00"
        % (number % 12 + 1, number % 28 + 1, number % 24, number % 60, number % 59),
    }


RECORDS = [record(number) for number in range(300)]
TEXT = "\n".join(sentence(SOME.randrange(5, 20)) for _ in range(1500))
FOREIGN = ["\n".join(sentence(12, language) for _ in range(150)) for language in OTHERS]


def sources():
    """Modules of the standard library as texts, those that this version has."""
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
