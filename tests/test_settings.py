"""Where values come from, what is said of wrong ones, and that secrets stay secret."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stream.settings import HIDDEN, Settings, SettingsError, load_settings, unknown_variables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("STORMWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problems(**flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(**flags)  # type: ignore[arg-type]
    return str(caught.value)


def test_every_setting_has_one_line_of_documentation() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description
        assert field.description.endswith(".")
        assert len(field.description) < 90


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.bootstrap_servers == "127.0.0.1:9092"
    assert settings.partitions == 8
    assert settings.ticks == "wall"
    assert {origin for _, _, origin in settings.provenance()} == {"default"}


def test_command_line_beats_environment_beats_file_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ward.toml"
    file.write_text("partitions = 2\nmetrics_port = 1000\ntopic_prefix = 'file.'\n")
    monkeypatch.setenv("STORMWATCH_METRICS_PORT", "2000")
    monkeypatch.setenv("STORMWATCH_TOPIC_PREFIX", "environment.")
    settings = load_settings(file, topic_prefix="flag.", partitions=None)
    assert (settings.partitions, settings.metrics_port, settings.topic_prefix) == (2, 2000, "flag.")
    assert settings.origin("partitions") == f"file {file}"
    assert settings.origin("metrics_port") == "environment STORMWATCH_METRICS_PORT"
    assert settings.origin("topic_prefix") == "command line"
    assert settings.origin("replication_factor") == "default"


def test_the_file_is_the_one_named_else_the_one_of_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "stormwatch.toml").write_text("partitions = 3\n")
    (tmp_path / "other.toml").write_text("partitions = 4\n")
    assert load_settings().partitions == 3
    monkeypatch.setenv("STORMWATCH_CONFIG", "other.toml")
    assert load_settings().partitions == 4
    assert load_settings(tmp_path / "stormwatch.toml").partitions == 3


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMWATCH_PARTITIONS", "")
    assert load_settings().partitions == 8


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("partitions", "eight", "integer"),
        ("partitions", 0, "greater than or equal to 1"),
        ("bootstrap_servers", "kafka", "HOST:PORT"),
        ("bootstrap_servers", "kafka:99999", "HOST:PORT"),
        ("ticks", "sometimes", "'wall' or 'off'"),
        ("topic_prefix", "ward 7", "pattern"),
        ("tick_interval_s", -1, "greater than or equal to 0.05"),
    ],
)
def test_a_wrong_value_is_told_with_name_value_and_what_is_expected(
    name: str, value: object, expected: str
) -> None:
    text = problems(**{name: value})
    assert text.startswith(f"{name} (command line): {value!r} ")
    assert expected in text


def test_all_wrong_values_are_told_at_once_with_their_origins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "stormwatch.toml").write_text("bootstrap_server = 'kafka:9092'\n")
    monkeypatch.setenv("STORMWATCH_PARTITIONS", "many")
    text = problems()
    assert "partitions (environment STORMWATCH_PARTITIONS): 'many'" in text
    assert "bootstrap_server (file stormwatch.toml): no such setting" in text
    assert "did you mean bootstrap_servers?" in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "cannot read"), (b"partitions = ", "is not TOML"), (b"\xff\xfe", "is not UTF-8")],
)
def test_a_file_that_cannot_be_used_is_told(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "ward.toml"
    if content is not None:
        file.write_bytes(content)
    text = problems(config=file)
    assert str(file) in text
    assert expected in text


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMWATCH_HASH_KEY", "a key that nobody may see")
    monkeypatch.setenv("STORMWATCH_SASL_PASSWORD", "nor this")
    settings = load_settings(sasl_username="ward", security_protocol="SASL_SSL")
    rows = {name: value for name, value, _ in settings.provenance()}
    assert rows["hash_key"] == rows["sasl_password"] == HIDDEN
    for text in (repr(settings), str(settings), str(rows)):
        assert "nobody may see" not in text
        assert "nor this" not in text


def test_a_wrong_secret_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMWATCH_HASH_KEY", "short")
    text = problems()
    assert "hash_key (environment STORMWATCH_HASH_KEY): ********" in text
    assert "16 characters" in text
    assert "short" not in text


def test_the_hash_key_is_new_in_each_process_unless_set() -> None:
    one, other = load_settings().hash_key, load_settings().hash_key
    assert one.get_secret_value() != other.get_secret_value()


def test_what_belongs_together_is_checked_together() -> None:
    assert "needs sasl_username and sasl_password" in problems(security_protocol="SASL_SSL")
    assert "set both or neither" in problems(ssl_certfile="cert.pem")


def test_security_for_kafka_python() -> None:
    assert load_settings().kafka_python_security() == {"security_protocol": "PLAINTEXT"}
    settings = load_settings(
        security_protocol="SASL_SSL",
        ssl_cafile="ca.pem",
        sasl_mechanism="PLAIN",
        sasl_username="ward",
        sasl_password="secret",
    )
    assert settings.kafka_python_security() == {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": "ca.pem",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "ward",
        "sasl_plain_password": "secret",
    }


def test_credentials_for_faust() -> None:
    assert load_settings().faust_credentials() is None
    credentials = load_settings(
        security_protocol="SASL_PLAINTEXT", sasl_username="ward", sasl_password="secret"
    ).faust_credentials()
    assert (credentials.username, credentials.password) == ("ward", "secret")
    assert credentials.mechanism.value == "SCRAM-SHA-512"
    assert credentials.protocol.value == "SASL_PLAINTEXT"


def test_variables_that_are_no_setting_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMWATCH_PARTITION", "4")
    monkeypatch.setenv("STORMWATCH_PARTITIONS", "4")
    monkeypatch.setenv("STORMWATCH_CONFIG", "x")
    assert unknown_variables() == ["STORMWATCH_PARTITION"]
