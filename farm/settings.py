"""Settings: the environment (`FARM_*`) over `farm.toml` over defaults, read once. The only place that reads the environment."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from farm.errors import BadInput
from farm.wire.address import refuse_options_of_tls

Label = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,30}$")]

APP = "python-farm"
_TOLD = "FARM_TOLD_ALL"  # whoever started this process has told it all: it reads no farm.toml, in which keys may stand


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)


def _ca_bundle() -> str:
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return next((value for name in names if (value := os.environ.get(name))), "")


class S3Settings(BaseSettings):
    """How to reach an S3-compatible store. Without keys, boto3's own chain (environment, files, instance role) is used."""

    model_config = SettingsConfigDict(env_prefix="FARM_S3_", extra="forbid")

    endpoint: str = Field("", description="url of the server; empty means AWS")
    region: str = Field("us-east-1", description="region of the bucket")
    access_key: str = Field("", description="key id; without one boto3 looks where it always does (environment, files, role)")
    secret_key: SecretStr = Field(SecretStr(""), description="secret of the key; never printed, never in metadata or logs")
    addressing: Literal["path", "virtual", "auto"] = Field(
        "path", description="how the bucket stands in urls: `path`, `virtual` (as part of the host's name) or `auto`"
    )


class Settings(BaseSettings):
    """Everything an operator can set. See the configuration table in the README."""

    model_config = SettingsConfigDict(
        env_prefix="FARM_",
        toml_file="farm.toml",
        extra="forbid",
        env_ignore_empty=True,
        nested_model_default_partial_update=True,
    )

    store: str = Field("./store", description="a folder, or s3://bucket/prefix")
    single_publisher: bool = Field(
        False, description="the bucket's server ignores conditional writes: one process writes at a time, by a lock"
    )
    base_url: str = Field("", description="where clients reach the store, e.g. https://python.example.org; for indexes")
    signing_key: Path | None = Field(None, description="file with the private key that signs what is published")
    second_verifier: bool = Field(
        False,
        description="who publishes verifies what was staged once more, with an engine of its own host, and refuses errors",
    )
    trusted_keys: Path | None = Field(None, description="file with the public keys that `farm pull` trusts, in PEM")
    keep_days: int = Field(ge=0, default=365, description="days for which `farm gc` keeps builds that newer ones replaced")
    keep_builds: int = Field(ge=1, default=3, description="builds of a cell that `farm gc` keeps in each channel, however old")
    keep_staged_days: int = Field(
        ge=0,
        default=14,
        description="days for which `farm gc` and `farm clean` keep staged files, e.g. of what failed verification",
    )
    broker_url: str = Field(
        "",
        pattern=r"^$|^(rediss?|redis\+socket)://",
        description="redis://… or rediss://…; empty starts a private one on a Unix socket",
    )
    publisher: Literal["inside", "service"] = Field(
        "inside", description="who publishes: `inside`, whoever drives a run, or `service`, a `farm publisher` of its own"
    )
    log: Literal["text", "json"] = Field("text", description="form of the lines that services print: `text` or `json`")
    metrics: str = Field(
        "",
        pattern=r"^$|^\S+:[0-9]{1,5}$",
        description="host:port where a service shows its metrics to Prometheus; empty is nowhere",
    )
    webhook_url: str = Field("", pattern=r"^$|^https?://", description="url that gets one message when a run has ended")
    webhook_secret: SecretStr = Field(SecretStr(""), description="secret that signs those messages (HMAC-SHA256)")
    facts: Path | None = Field(None, description="folder with your own facts, laid over ours")
    sources: Path | None = Field(None, description="folder with source archives, for use without a network")
    source_mirror: str = Field("", description="url of a mirror of https://www.python.org/ftp/python, tried first")
    apt_mirror: str = Field("", description="url of a Debian mirror; empty reads this host's own apt configuration")
    ca_bundle: str = Field(
        default_factory=_ca_bundle,
        validate_default=True,
        description="file with the CAs for https and rediss; empty is "
        "REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE, or the usual ones",
    )
    base_image: Literal["auto", "pull", "bootstrap"] = Field(
        "auto",
        description="how to get a distro's base image: `pull` it, `bootstrap` it, or `auto`: pull where a registry answers",
    )
    registry: str = Field("", description="registry (and path) that base images are pulled from; empty is the engine's default")
    engine: str = Field("", description="url of the container engine; empty looks at DOCKER_HOST and the usual sockets")
    families: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="distro families that a worker builds for, e.g. debian; empty is all"
    )
    labels: Annotated[tuple[Label, ...], NoDecode] = Field(
        (), description="labels of a worker, which `farm submit --label` asks for"
    )
    deaf_s: int = Field(
        ge=1, default=60, description="seconds of taking none of the work that waits, then a worker starts anew"
    )
    stop_s: int = Field(
        ge=1, default=1800, description="seconds that a worker told to stop has for what it builds; then it hands it back"
    )
    slots: int = Field(ge=0, default=0, description="cells built at once by one worker; 0 lets the machine decide")
    jobs: int = Field(ge=0, default=0, description="-j of make inside a cell; 0 divides the cores among the cells")
    cell_deadline_s: int = Field(ge=1, default=3 * 3600, description="seconds after which an attempt is ended")
    step_deadline_s: int = Field(
        ge=1,
        default=2 * 3600,
        description="seconds after which a command of a build, or the making of an image, is taken for stuck, whatever it says",
    )
    verify_deadline_s: int = Field(ge=1, default=30 * 60, description="seconds after which verification is taken for stuck")
    silent_deadline_s: int = Field(
        ge=1, default=30 * 60, description="seconds without a line of output after which an attempt is ended"
    )
    lease_s: int = Field(ge=1, default=45, description="seconds without a sign of life after which a container ends itself")
    presence_s: int = Field(
        ge=2, default=30, description="seconds after which a scheduler or a worker that said nothing counts as gone"
    )
    attempts: int = Field(
        ge=1, default=3, description="tries of a cell in all, where it fails in passing (network, mirror, engine, a lost host)"
    )
    backoff_s: float = Field(
        ge=0, default=5.0, description="seconds before the first new try of a cell; each next wait is twice as long"
    )
    patience_s: int = Field(
        ge=1, default=120, description="seconds without Redis or the store after which a run is given up for now"
    )
    memory_gb: float = Field(gt=0, default=8.0, description="memory limit of a build container, in GiB")
    room_gb: float = Field(ge=0, default=2.0, description="GiB free in TMPDIR without which a worker takes no cell")
    keep_logs_days: float = Field(gt=0, default=180, description="days that `farm clean` keeps logs of runs")
    keep_logs_gb: float = Field(gt=0, default=20, description="GiB of logs that `farm clean` keeps; the oldest go")
    keep_staging_gb: float = Field(gt=0, default=50, description="GiB of staged files that `farm clean` keeps; the oldest go")
    cache: Path = Field(default_factory=lambda: platformdirs.user_cache_path(APP), description="sources and base images")
    state: Path = Field(default_factory=lambda: platformdirs.user_state_path(APP), description="private broker, kept work")
    s3: S3Settings = Field(default_factory=S3Settings)

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - pydantic checks them
        """Read everything. Raises BadInput naming each wrong setting."""
        try:
            super().__init__(**values)
        except (OSError, SettingsError, tomllib.TOMLDecodeError) as error:
            raise BadInput(
                f"the settings cannot be read: {error}", hint="correct farm.toml or the environment (FARM_*)"
            ) from None
        except ValidationError as error:
            wrong = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
            raise BadInput(
                "wrong settings: " + "; ".join(wrong),
                hint="correct the environment (FARM_*) or farm.toml; the README has a table of all settings",
            ) from None

    @field_validator("families", "labels", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """In the environment a list is words with commas between them."""
        return tuple(word for word in value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("broker_url")
    @classmethod
    def _verified(cls, url: str) -> str:
        return refuse_options_of_tls(url)

    @field_validator("ca_bundle")
    @classmethod
    def _there(cls, path: str) -> str:
        if path and not Path(path).exists():
            raise ValueError(f"{path} is not there (FARM_CA_BUNDLE, or a variable that tools share, names it)")
        return path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments beat the environment, which beats `farm.toml` in the working folder."""
        file = None if os.environ.get(_TOLD) else settings_cls.model_config.get("toml_file")
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    @property
    def engine_urls(self) -> tuple[str, ...]:
        """Where a container engine may answer, in the order of asking; one that is set here is the only one."""
        if self.engine:
            return (self.engine,)
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        usual = ("/var/run/docker.sock", runtime and f"{runtime}/podman/podman.sock", "/run/podman/podman.sock")
        urls = (os.environ.get("DOCKER_HOST"), *(f"unix://{socket}" for socket in usual if socket))
        return tuple(dict.fromkeys(url for url in urls if url))

    def child_environment(self) -> dict[str, str]:
        """The environment of a builder that we start: these settings, and none of the store's credentials.

        Where the store is a folder it is named: the builder writes to its staging itself, and to nothing else.
        """
        ours = ("FARM_", "AWS_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        hidden = {"s3", "store", "signing_key", "webhook_url", "webhook_secret"}
        plain = self.model_dump(mode="json", exclude=hidden, exclude_none=True)
        words = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in plain.items()}
        if self.staging_folder:
            words["store"] = str(self.staging_folder.parent)
        return environment | {f"FARM_{name.upper()}": value for name, value in words.items()} | {_TOLD: "1"}

    @property
    def staging_folder(self) -> Path | None:
        """Where a worker may stage files itself; None where the store is no folder."""
        return None if "://" in self.store else Path(self.store).expanduser().absolute() / "staging"

    @property
    def cells_at_once(self) -> int:
        """How many cells one worker builds at once: as many as have two cores and their memory each, at least one."""
        return self.slots or max(1, min(_cores() // 2, int(_memory_gb() / self.memory_gb)))

    @property
    def cores_per_cell(self) -> int:
        """The cores are divided among the cells that are built at once."""
        return max(1, _cores() // self.cells_at_once)

    @property
    def make_jobs(self) -> int:
        """-j of make."""
        return self.jobs or self.cores_per_cell
