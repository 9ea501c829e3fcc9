"""National parties, built in so that a contest file need not repeat them (docs/design.md §7).

The participants of Pemilu 2024 (KPU Decision 518/2022 and 551/2022) with their usual short forms, and
earlier names still met in posts. Aceh's local parties belong in the contest files of Aceh.
"""

from __future__ import annotations

NATIONAL_PARTIES: dict[str, tuple[str, ...]] = {
    "PKB": ("Partai Kebangkitan Bangsa",),
    "Gerindra": ("Partai Gerakan Indonesia Raya", "Partai Gerindra"),
    "PDIP": ("PDI Perjuangan", "PDI-P", "PDI P", "Partai Demokrasi Indonesia Perjuangan"),
    "Golkar": ("Partai Golongan Karya", "Partai Golkar", "Golongan Karya"),
    "NasDem": ("Partai NasDem", "Partai Nasional Demokrat"),
    "Partai Buruh": (),
    "Partai Gelora": ("Partai Gelombang Rakyat Indonesia",),
    "PKS": ("Partai Keadilan Sejahtera",),
    "PKN": ("Partai Kebangkitan Nusantara",),
    "Hanura": ("Partai Hati Nurani Rakyat", "Partai Hanura"),
    "Partai Garuda": ("Partai Garda Republik Indonesia",),
    "PAN": ("Partai Amanat Nasional",),
    "PBB": ("Partai Bulan Bintang",),
    "Partai Demokrat": ("Demokrat",),
    "PSI": ("Partai Solidaritas Indonesia",),
    "Perindo": ("Partai Perindo", "Partai Persatuan Indonesia"),
    "PPP": ("Partai Persatuan Pembangunan",),
    "Partai Ummat": (),
}
"""Short name → other forms. Ordinary words (Buruh, Gelora, Garuda, Ummat) count only after *Partai*."""
