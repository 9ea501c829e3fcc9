"""The shipped model, loaded once, and a contest with every kind of name."""

from __future__ import annotations

import datetime as dt

import pytest

from classifier.assess import Model, load_model
from models.contest import CandidateSpec, ContestSpec


@pytest.fixture(scope="session")
def model() -> Model:
    """The model in the repository."""
    return load_model()


@pytest.fixture(scope="session")
def contest() -> ContestSpec:
    """Three invented sides: two pairs and one whose acronym is an ordinary word."""
    return ContestSpec(
        name="Pilbup Karang Ampel 2031",
        region="Kabupaten Karang Ampel",
        election_day=dt.date(2031, 11, 5),
        candidates=[
            CandidateSpec(
                number=1,
                names=["Dr. H. Wirya Sanjata, M.Si", "Nimas Ayundari"],
                aliases=["wirya", "bang wirya", "wirya-nimas"],
                handles=["wiryanimas"],
                slogans=["Ampel Gemilang"],
                hashtags=["WiryaNimasJuara"],
                parties=["Partai Bulir Emas"],
            ),
            CandidateSpec(
                number=2,
                names=["Tegar Lokananta", "Ratmi Suhandari"],
                aliases=["lokananta", "mas lokan", "lokananta-ratmi"],
                handles=["lokaratmi"],
                slogans=["Maju Tuntas"],
                hashtags=["LokaRatmiMenang"],
                parties=["Partai Layar Biru", "Golkar"],
            ),
            CandidateSpec(
                number=3,
                names=["Basuni Harkala", "Yeni Marlupi"],
                aliases=["basuni", "BERSIH"],
                handles=["basuniyeni"],
                hashtags=["BersihBersama3"],
            ),
        ],
    )
