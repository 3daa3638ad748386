from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def oracle():
    """The slow literal Algorithm 1 and the drawn bars of oracle.py."""
    path = Path(__file__).with_name("oracle.py")
    spec = importlib.util.spec_from_file_location("measure_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
