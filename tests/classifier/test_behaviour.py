"""What the shipped model makes of the cases that reviewers care about. The contest and all people are invented.

Cases that it gets wrong are in its card, under what it cannot do.
"""

from __future__ import annotations

import pytest

from classifier.assess import Model
from models.contest import ContestSpec

NO_SIDE = {
    "a denial": ("Saya bukan pendukung Wirya Sanjata, tolong jangan disangkutkan dengan tim mana pun",),
    "a quote that reports": (
        '"Coblos nomor 2 biar jalan mulus," kata tim sukses Lokananta, ditirukan ketua RT saat melapor ke panwascam',
        'Beredar pesan "ayo pilih Wirya" di grup guru, kami laporkan ke pengawas pemilu',
    ),
    "a headline": (
        "Wirya Sanjata Kampanye di Pasar Ampel, Janjikan Harga Pupuk Turun",
        "Survei: Elektabilitas Lokananta-Ratmi Unggul Tipis atas Wirya-Nimas",
        "Golkar Resmi Usung Tegar Lokananta di Pilbup Karang Ampel",
    ),
    "a question": (
        "Debat Wirya Sanjata lawan Tegar Lokananta jam berapa ya, disiarkan di mana?",
        "Ada yang tahu program pupuk Basuni dan Lokananta bedanya apa?",
    ),
    "an official notice": (
        "KPU Kabupaten Karang Ampel menggelar sosialisasi tata cara pencoblosan di balai desa, Kamis pukul 09.00",
        "Nomor urut pasangan calon: 1 Wirya-Nimas, 2 Lokananta-Ratmi, 3 Basuni-Yeni. Kenali calonnya, ya",
        "Bawaslu mengingatkan ASN untuk netral dan tidak berfoto dengan simbol jari salah satu calon",
    ),
    "a call to vote": ("Jangan golput ya, datang ke TPS tanggal 5 November, pilih sesuai hati nurani",),
    "criticism of policy": (
        "Pupuk subsidi langka lagi, pemda kerjanya apa? Petani rugi terus",
        "Kebijakan parkir baru ini ngawur, bikin pedagang sepi",
    ),
    "an ordinary word that is also a pair's name": ("Lingkungan bersih pangkal sehat, ayo kerja bakti Minggu pagi",),
    "regional languages": (
        "Udan deres ket esuk, kumbahan ora garing",
        "Rapat RT isuk jam pitu bengi, ojo lali nggowo iuran",
    ),
    "next to nothing": (
        "",
        "#senin #pagi #hujan",
    ),
    "everyday talk": (
        "Selamat pagi, semoga harimu menyenangkan",
        "Menang 3-1 semalam, gol ketiganya keren banget",
        "Jual beras pandan wangi 5 kilo, antar gratis, WA aja",
        "Pilih nomor 2 aja kak, yang rasa cokelat enak",
    ),
}
A_SIDE = {
    "a pair called by an ordinary word": (
        "Ayo coblos BERSIH nomor 3, pilihan kita semua!",
        "Menangkan paslon Bersih, saatnya perubahan",
    ),
    "a number in emoji": (
        "Pokoknya 2️⃣✌️ sampai menang!! 🔥🔥",
        "Besok jangan lupa coblos 1️⃣ ya bestie 🥰",
    ),
    "alay": (
        "ay0 c0bl0s n0m0r 2 b14r m3n4ng",
        "dukuuuung teruuuus bang w1ryaaaa 😍😍",
    ),
    "regional languages": (
        "Ayo dulur, coblos nomer loro, Lokananta mesthi menang!",
        "Hayu dulur urang dukung Kang Wirya, hiji periode deui",
        "Ayu dangsanak, pilih Wirya gasan banua kita",
    ),
    "an attack": (
        "Jangan pilih Basuni, lima tahun cuma janji kosong",
        "Lokananta tukang bohong, malu kalau dia jadi bupati",
    ),
    "hidden and look-alike signs": (
        "Ayo cob\u202elos\u202c nom\u200bor 2, Lokananta menang!",
        "Dukung W\u0456r\u0443\u0430 Sanjata satu periode lagi!",
    ),
    "next to nothing": ("#LokaRatmiMenang #Coblos2 #MajuTuntas",),
}


@pytest.mark.parametrize("kind", NO_SIDE)
def test_what_takes_no_side_is_not_flagged(model: Model, contest: ContestSpec, kind: str) -> None:
    scores = model.assess(NO_SIDE[kind], contest, explain=False)
    assert [score.masked for score in scores if score.flag] == []
    assert {target.stance for score in scores for target in score.targets} <= {"neutral"}


@pytest.mark.parametrize("kind", A_SIDE)
def test_what_takes_a_side_is_flagged(model: Model, contest: ContestSpec, kind: str) -> None:
    scores = model.assess(A_SIDE[kind], contest, explain=False)
    assert [score.masked for score in scores if not score.flag] == []
    assert all(score.act != "none" for score in scores)
