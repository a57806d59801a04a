"""`python -m workers base`: the image that deploy/'s Dockerfiles stand on where no registry answers."""

import pytest

from workers.__main__ import main


@pytest.mark.engine
def test_its_name_alone_is_printed(engine, engine_url, host_arch, monkeypatch, capsys, box_image):
    monkeypatch.setenv("FARM_ENGINE", engine_url)
    assert main(["base", "debian13"]) == 0
    (name,) = capsys.readouterr().out.split()
    assert engine.layers(name)


def test_a_distro_that_is_none_is_named(capsys):
    assert main(["base", "debian99"]) == 2
    assert "no distro is called debian99" in (said := capsys.readouterr().err)
    assert "debian13" in said
