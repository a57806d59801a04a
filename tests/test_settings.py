"""Settings: a mistake is named with the setting, before anything is done."""

import pytest

from farm.errors import BadInput
from farm.settings import Settings

CA_VARIABLES = ("FARM_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def _no_ca(monkeypatch):
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_ca_bundle_that_is_not_there_is_named_wherever_it_was_set(monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, str(tmp_path / "gone.pem"))
    with pytest.raises(BadInput, match=r"ca_bundle.*gone\.pem"):
        Settings()


def test_a_ca_bundle_may_be_a_file_or_a_folder_or_none(monkeypatch, tmp_path):
    assert Settings().ca_bundle == ""
    (tmp_path / "ca.pem").touch()
    for name in (tmp_path / "ca.pem", tmp_path):
        monkeypatch.setenv("FARM_CA_BUNDLE", str(name))
        assert Settings().ca_bundle == str(name)


def test_a_builder_of_ours_reads_no_file_and_says_nothing_of_it(tmp_path, monkeypatch, recwarn):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "farm.toml").write_text("lease_s = 7\n")
    assert Settings().lease_s == 7
    monkeypatch.setenv("FARM_TOLD_ALL", "1")
    assert Settings().lease_s == 45
    assert [str(one.message) for one in recwarn] == []
