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
