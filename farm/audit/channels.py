"""What channels list: pointer, shards, the files of clients, signatures; nothing dangling, nothing missing."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin

from pydantic import ValidationError

from farm.audit import builds
from farm.audit.survey import sha256_of
from farm.errors import VerificationFailed
from farm.export.table import rendered
from farm.index import reading, render
from farm.index.model import Pointer, Shard
from farm.plan.cell import Cell
from farm.sign import envelope
from farm.site.pages import ASSETS
from farm.store import catalog, keys

if TYPE_CHECKING:
    from farm.audit.survey import Survey
    from farm.index.model import Entry, Older, ShardRef

_REPAIR = "`farm verify-store --repair` rebuilds it"
_TIMES = 3
_LINK_RE = re.compile(r'\s(?:href|src)="([^"]*)"')


def look(survey: Survey) -> None:
    """Every channel that has an index, or builds. One that changes meanwhile is looked at again."""
    for channel in sorted({*reading.channels(survey.store), *(build.channel for build in survey.builds)}):
        for _ in range(_TIMES):
            before, known = survey.store.get(keys.channel_pointer(channel)), len(survey.findings)
            _channel(survey, channel)
            if survey.store.get(keys.channel_pointer(channel)) == before:
                break
            del survey.findings[known:]


def _channel(survey: Survey, channel: str) -> None:
    key = keys.channel_pointer(channel)
    data = survey.content(key)
    signed = _signed_pointer(survey, channel, data)
    listed: list[Entry] = []
    if data is None:
        survey.say("error", "channel.pointer", key, f"there is no index of the channel '{channel}'", _REPAIR)
    else:
        try:
            pointer = Pointer.model_validate_json(data)
        except ValidationError as error:
            survey.say("error", "channel.pointer", key, error.errors()[0]["msg"], _REPAIR)
        else:
            listed = [entry for ref in pointer.shards for entry in _shard(survey, channel, ref)]
    _entries(survey, channel, listed)
    _pages(survey, channel, listed)
    for distro in sorted({Cell.parse(entry.cell).distro for entry in listed}):
        here = [entry for entry in listed if Cell.parse(entry.cell).distro == distro]
        _files(survey, channel, here)
        if signed:
            _signature(survey, keys.sums(channel, distro), keys.signed_sums(channel, distro))
    if signed:
        _signature(survey, keys.get_python(), f"{keys.get_python()}.sig")


def _shard(survey: Survey, channel: str, ref: ShardRef | Older) -> tuple[Entry, ...]:
    data = survey.content(ref.key)
    if data is None:
        survey.say("error", "channel.shard", ref.key, f"the channel '{channel}' names it, and it is not there", _REPAIR)
    elif sha256_of(data) != ref.sha256:
        survey.say("error", "channel.shard", ref.key, f"its sha256 is not what the channel '{channel}' says", _REPAIR)
    else:
        try:
            shard = Shard.model_validate_json(data)
        except ValidationError as error:
            survey.say("error", "channel.shard", ref.key, error.errors()[0]["msg"], _REPAIR)
        else:
            return (*shard.entries, *(entry for page in shard.older for entry in _shard(survey, channel, page)))
    return ()


def _entries(survey: Survey, channel: str, listed: list[Entry]) -> None:
    """Each entry is that of a published build, and each published build has one."""
    key = keys.channel_pointer(channel)
    for entry in listed:
        known = entry.cell, entry.build_id
        if not any(_names(build, channel, entry) for build in survey.builds):
            for build in catalog.published(survey.store, Cell.parse(entry.cell)):  # published since the look began
                if _names(build, channel, entry):
                    builds.look_at(survey, build)
                    break
            else:
                survey.say(
                    "error", "channel.dangling", key, f"it lists {' build '.join(known)}, which is not published", _REPAIR
                )
                continue
        if known in survey.damaged and entry.yanked:
            continue
        if known in survey.damaged:
            survey.say("error", "channel.damaged", key, f"it lists {' build '.join(known)}, which is damaged", _REPAIR)
        if (
            known not in survey.damaged
            and known in survey.entries
            and entry.lean() != survey.entries[known].model_copy(update={"yanked": survey.yanked.get(known, "")})
        ):
            survey.say("error", "channel.entry", key, f"{' build '.join(known)} is not listed as it is published", _REPAIR)
    there = {(entry.cell, entry.build_id) for entry in listed}
    for build in survey.builds:
        known = str(build.cell), build.build_id
        if build.channel == channel and known not in there | survey.damaged:
            survey.say(
                "note" if survey.young(build.key) else "error",
                "channel.unlisted",
                build.key,
                f"the channel '{channel}' does not list it",
                _REPAIR,
            )


def _names(build: keys.Published, channel: str, entry: Entry) -> bool:
    return (str(build.cell), build.build_id, build.channel) == (entry.cell, entry.build_id, channel)


def _files(survey: Survey, channel: str, listed: list[Entry]) -> None:
    """The files of clients say what the index says."""
    for key, data in rendered(channel, listed, survey.against.base_url).items():
        found = survey.content(key)
        if found != data:
            said = "a client's file is missing" if found is None else "it does not say what the index says"
            hint = f"{_REPAIR}; if clients reach the store elsewhere than at {survey.against.base_url}, say so with --base-url"
            survey.say("error", "channel.file", key, said, hint)


def _pages(survey: Survey, channel: str, listed: list[Entry]) -> None:
    """Every page that people look at is there, and no link into the store that is written in one leads nowhere."""
    distros = {Cell.parse(entry.cell).distro for entry in listed}
    names = {"index.html", "feed.atom", "data/channel.js", *ASSETS, *(f"data/{distro}.js" for distro in distros)}
    names |= {f"builds/{entry.cell}/{entry.build_id}.html" for entry in listed}
    for name in sorted(names if listed else ()):
        if (data := survey.content(key := keys.site(channel, name))) is None:
            survey.say("error", "channel.page", key, "a page of the catalog is missing", _REPAIR)
        elif name.endswith((".html", ".atom")):
            for target in sorted(_targets(key, data, survey.against.base_url)):
                if survey.stat(target) is None:
                    survey.say("error", "channel.link", key, f"it links to {target}, which is not there", _REPAIR)


def _targets(page: str, data: bytes, base_url: str) -> set[str]:
    """The keys that the links of a page lead to; those that leave the store are left out."""
    root = render.url(base_url, "")
    links = (
        urldefrag(urljoin(render.url(base_url, page), html.unescape(link))).url for link in _LINK_RE.findall(data.decode())
    )
    return {unquote(link.removeprefix(root)) for link in links if link.startswith(root)}


def _signed_pointer(survey: Survey, channel: str, pointer: bytes | None) -> bool:
    key = keys.signed_pointer(channel)
    data = survey.content(key)
    if data is None:
        return False
    try:
        if envelope.unseal(key, data, envelope.POINTER, survey.against.trusted) != pointer:
            survey.say("error", "channel.signature", key, "what is signed is not the channel's index", _REPAIR)
    except VerificationFailed as error:
        survey.say("error", "channel.signature", key, error.message, error.hint)
    return True


def _signature(survey: Survey, subject: str, key: str) -> None:
    data, signature = survey.content(subject), survey.content(key)
    if data is None:
        return
    if signature is None:
        survey.say("error", "channel.signature", key, f"{subject} is not signed, and the channel is", _REPAIR)
    elif not any(verifier.accepts(signature, data) for verifier in survey.against.trusted.values()):
        survey.say("error", "channel.signature", key, f"it is no signature of {subject} by a key that is trusted here", _REPAIR)
