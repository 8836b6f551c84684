from pathlib import Path

from tileserver.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_every_setting_is_in_the_readme():
    missing = [name for name in Settings.model_fields if f"`TILESERVER_{name.upper()}`" not in README]
    assert missing == []


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())
